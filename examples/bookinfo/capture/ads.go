package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// quiet is how long the control plane must have nothing to say before the capture is complete.
const quiet = 3 * time.Second

// received is one DiscoveryResponse: the bytes from the wire, and the same decoded.
type received struct {
	wire     []byte
	response *discovery.DiscoveryResponse
}

// rawCodec keeps the bytes of each response beside the decoded message.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) ([]byte, error) {
	message, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", v)
	}
	return proto.Marshal(message)
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	r, ok := v.(*received)
	if !ok {
		return fmt.Errorf("cannot receive a %T", v)
	}
	r.wire = slices.Clone(data)
	r.response = &discovery.DiscoveryResponse{}
	return proto.Unmarshal(data, r.response)
}

// adsClient is one state-of-the-world ADS stream. latest holds, for each type URL, the last response;
// wanted holds the resource names subscribed to (empty: all).
type adsClient struct {
	stream grpc.ClientStream
	node   node
	first  bool
	latest map[string]*received
	wanted map[string][]string
}

// fetch subscribes to clusters and listeners, to the endpoints and route configurations these name,
// acknowledges every response, and returns the last response of each type once the stream is quiet.
func fetch(ctx context.Context, addr string, n node) (map[string]*received, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, desc, discovery.AggregatedDiscoveryService_StreamAggregatedResources_FullMethodName,
		grpc.ForceCodec(rawCodec{}))
	if err != nil {
		return nil, err
	}
	c := &adsClient{stream: stream, node: n, first: true, latest: map[string]*received{}, wanted: map[string][]string{}}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return c.latest, c.complete()
}

// run exchanges messages until nothing has arrived for the quiet time.
func (c *adsClient) run(ctx context.Context) error {
	incoming, failed := make(chan *received), make(chan error, 1)
	go receive(ctx, c.stream, incoming, failed)
	for _, typeURL := range []string{clusterType, listenerType} {
		if err := c.send(typeURL, nil); err != nil {
			return err
		}
	}
	for {
		select {
		case r := <-incoming:
			if err := c.handle(r); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-time.After(quiet):
			return nil
		}
	}
}

func receive(ctx context.Context, stream grpc.ClientStream, incoming chan<- *received, failed chan<- error) {
	for {
		r := &received{}
		if err := stream.RecvMsg(r); err != nil {
			failed <- err
			return
		}
		select {
		case incoming <- r:
		case <-ctx.Done():
			return
		}
	}
}

// handle acknowledges a response and subscribes to what it newly refers to.
func (c *adsClient) handle(r *received) error {
	typeURL := r.response.GetTypeUrl()
	logger.Printf("%s: %s: %d resources", c.node.Name, typeURL, len(r.response.GetResources()))
	c.latest[typeURL] = r
	if err := c.send(typeURL, nil); err != nil {
		return err
	}
	dependent, names, err := references(r.response)
	if err != nil || dependent == "" || slices.Equal(names, c.wanted[dependent]) {
		return err
	}
	return c.send(dependent, names)
}

// send subscribes to names (nil: those already wanted) and acknowledges the latest response, if any.
func (c *adsClient) send(typeURL string, names []string) error {
	if names != nil {
		c.wanted[typeURL] = names
	}
	request := &discovery.DiscoveryRequest{TypeUrl: typeURL, ResourceNames: c.wanted[typeURL]}
	if last := c.latest[typeURL]; last != nil {
		request.VersionInfo = last.response.GetVersionInfo()
		request.ResponseNonce = last.response.GetNonce()
	}
	if c.first {
		node, err := c.node.proto()
		if err != nil {
			return err
		}
		request.Node, c.first = node, false
	}
	return c.stream.SendMsg(request)
}

// complete reports whether every type was answered with exactly the resources asked for.
func (c *adsClient) complete() error {
	for _, t := range xdsTypes {
		last := c.latest[t.url]
		if last == nil {
			return errors.New("no response for " + t.url)
		}
		got, err := resourceNames(last.response)
		if err != nil {
			return err
		}
		if want := c.wanted[t.url]; want != nil && !slices.Equal(got, want) {
			return fmt.Errorf("%s: asked for %q, the last response has %q", t.url, want, got)
		}
	}
	return nil
}
