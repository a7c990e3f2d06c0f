package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	stintv1 "stint.invalid/interop/gen/stint/v1"
)

// brokerClient is a connection to the broker and what it rests on.
type brokerClient struct {
	stintv1.BrokerServiceClient
	open []io.Closer
}

func (b *brokerClient) close() {
	for i := len(b.open) - 1; i >= 0; i-- {
		b.open[i].Close()
	}
}

// dial connects by `mtls` (X.509-SVID), `jwt` (JWT-SVID, no certificate) or `both`, with what the Workload API at
// SPIFFE_ENDPOINT_SOCKET gives. In each case the broker has to show the SPIFFE ID of STINT_SERVER_ID.
func dial(ctx context.Context, auth string) (*brokerClient, error) {
	serverID, err := spiffeid.FromString(os.Getenv("STINT_SERVER_ID"))
	if err != nil {
		return nil, err
	}
	broker := &brokerClient{}
	x509Source, err := workloadapi.NewX509Source(ctx)
	if err != nil {
		return nil, fmt.Errorf("no X.509-SVID: %w", err)
	}
	broker.open = append(broker.open, x509Source)
	authorizer := tlsconfig.AuthorizeID(serverID)
	transport := grpccredentials.MTLSClientCredentials(x509Source, x509Source, authorizer)
	if auth == "jwt" {
		transport = grpccredentials.TLSClientCredentials(x509Source, authorizer)
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(transport)}
	if auth != "mtls" {
		jwtSource, err := workloadapi.NewJWTSource(ctx)
		if err != nil {
			broker.close()
			return nil, fmt.Errorf("no JWT bundles: %w", err)
		}
		broker.open = append(broker.open, jwtSource)
		options = append(options, grpc.WithPerRPCCredentials(bearer{jwtSource, os.Getenv("INTEROP_AUDIENCE")}))
	}
	connection, err := grpc.NewClient(os.Getenv("STINT_ADDRESS"), options...)
	if err != nil {
		broker.close()
		return nil, err
	}
	broker.open = append(broker.open, connection)
	broker.BrokerServiceClient = stintv1.NewBrokerServiceClient(connection)
	return broker, nil
}

// bearer fetches a JWT-SVID for each call.
type bearer struct {
	source   *workloadapi.JWTSource
	audience string
}

var _ credentials.PerRPCCredentials = bearer{}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	svid, err := b.source.FetchJWTSVID(ctx, jwtsvid.Params{Audience: b.audience})
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + svid.Marshal()}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }
