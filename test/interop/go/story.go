package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	stintv1 "stint.invalid/interop/gen/stint/v1"
)

const (
	bucket = "invoices-staging"
	key    = "2026/11/one.json"
)

// Story is what happened from the request to the end of the grant.
type Story struct {
	GrantID string `json:"grantId"`
	Subject string `json:"subject"`
	// Numbers of the leases.
	Leases []uint32 `json:"leases"`
	// What was read with each lease.
	Reads []string `json:"reads"`
	// States of the grant from completion to the end of the watch.
	States []string `json:"states"`
	Reason string   `json:"reason"`
	// The error code of AWS for a read with the last lease after the end.
	AfterEnd string `json:"afterEnd"`
}

// tellStory requests, reads, renews, reads, completes, watches to the end, and is refused by S3.
func tellStory(ctx context.Context, broker stintv1.BrokerServiceClient) (*Story, error) {
	requested, err := broker.RequestGrant(ctx, &stintv1.RequestGrantRequest{
		IdempotencyKey: os.Getenv("INTEROP_KEY"),
		Task: &stintv1.Task{
			Purpose:    "to tidy the archive of November",
			Target:     &stintv1.Task_RoleArn{RoleArn: os.Getenv("INTEROP_ROLE")},
			TtlSeconds: 600,
			Access: []*stintv1.Access{{
				Actions:   []string{"s3:GetObject", "s3:PutObject"},
				Resources: []string{"arn:aws:s3:::" + bucket + "/*"},
			}},
		},
	})
	if err != nil {
		return nil, err
	}
	id := requested.Grant.GetId()
	story := &Story{GrantID: id, Subject: requested.Grant.GetSubject()}
	if err := story.read(ctx, requested.Lease); err != nil {
		return nil, err
	}
	renewed, err := broker.RenewLease(ctx, &stintv1.RenewLeaseRequest{GrantId: id})
	if err != nil {
		return nil, err
	}
	if err := story.read(ctx, renewed.Lease); err != nil {
		return nil, err
	}
	if _, err := broker.CompleteGrant(ctx, &stintv1.CompleteGrantRequest{GrantId: id, Note: "all done"}); err != nil {
		return nil, err
	}
	if err := story.watch(ctx, broker, id); err != nil {
		return nil, err
	}
	story.AfterEnd = refusedRead(ctx, renewed.Lease)
	return story, nil
}

func (s *Story) read(ctx context.Context, lease *stintv1.Lease) error {
	body, err := get(ctx, lease)
	if err != nil {
		return err
	}
	s.Leases = append(s.Leases, lease.GetNumber())
	s.Reads = append(s.Reads, body)
	return nil
}

func (s *Story) watch(ctx context.Context, broker stintv1.BrokerServiceClient, id string) error {
	stream, err := broker.WatchGrant(ctx, &stintv1.WatchGrantRequest{GrantId: id})
	if err != nil {
		return err
	}
	for {
		seen, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.States = append(s.States, strings.TrimPrefix(seen.Grant.GetState().String(), "GRANT_STATE_"))
		s.Reason = seen.Grant.GetReason()
	}
}

func refusedRead(ctx context.Context, lease *stintv1.Lease) string {
	_, err := get(ctx, lease)
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return "none"
}

func get(ctx context.Context, lease *stintv1.Lease) (string, error) {
	keys := lease.GetAws()
	client := s3.New(s3.Options{
		Region:       os.Getenv("AWS_REGION"),
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")),
		UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(
			keys.GetAccessKeyId(), keys.GetSecretAccessKey(), keys.GetSessionToken()),
	})
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return "", err
	}
	defer object.Body.Close()
	body, err := io.ReadAll(object.Body)
	return string(body), err
}
