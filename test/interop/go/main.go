// Command interop is an agent in Go that shares no code with Stint: go-spiffe gives it its identity, grpc-go talks to the
// broker by code generated from the contract, the AWS SDK for Go uses the credentials. It prints one line of JSON: how the
// story went, or how the broker refused it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

const limit = 40 * time.Second

// Refusal is an error of the broker, read by the foreign library's own status details.
type Refusal struct {
	Status string `json:"status"`
	Reason string `json:"reason"`
	Domain string `json:"domain"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	answer, err := run(ctx)
	if err != nil {
		refusal, found := refusalOf(err)
		if !found {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer = map[string]any{"refused": refusal}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		os.Exit(1)
	}
}

func run(ctx context.Context) (any, error) {
	broker, err := dial(ctx, os.Getenv("INTEROP_AUTH"))
	if err != nil {
		return nil, err
	}
	defer broker.close()
	return tellStory(ctx, broker)
}

func refusalOf(err error) (Refusal, bool) {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return Refusal{}, false
	}
	said := carrier.GRPCStatus()
	for _, detail := range said.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return Refusal{Status: code.Code(said.Code()).String(), Reason: info.Reason, Domain: info.Domain}, true
		}
	}
	return Refusal{}, false
}
