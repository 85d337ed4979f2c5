package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	// These link the Go types of all Envoy and Istio extensions, so that every Any can be shown as JSON.
	_ "github.com/cncf/xds/go/udpa/type/v1"
	_ "istio.io/api/envoy/extensions/stats"
	_ "istio.io/istio/pkg/config/xds"
)

const (
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	endpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	routeType    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
)

// xdsTypes are the captured types with their file names.
var xdsTypes = []struct{ url, file string }{
	{clusterType, "cds"}, {endpointType, "eds"}, {listenerType, "lds"}, {routeType, "rds"},
}

// save writes each type's response as received, and as JSON to read.
func save(dir string, got map[string]*received) error {
	if err := saveReadable(dir, got); err != nil {
		return err
	}
	for _, t := range xdsTypes {
		if err := os.WriteFile(filepath.Join(dir, t.file+".pb"), got[t.url].wire, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// saveReadable writes each type's response as JSON to read, and nothing else.
func saveReadable(dir string, got map[string]*received) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, t := range xdsTypes {
		text, err := readable(got[t.url].response)
		if err != nil {
			return fmt.Errorf("%s: %w", t.url, err)
		}
		if err := os.WriteFile(filepath.Join(dir, t.file+".json"), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readable is the response as proto3 JSON with the field names of the .proto files, its resources
// sorted by name. Protojson varies its white space on purpose, so it is laid out anew.
func readable(response *discovery.DiscoveryResponse) ([]byte, error) {
	sorted, ok := proto.Clone(response).(*discovery.DiscoveryResponse)
	if !ok {
		return nil, fmt.Errorf("cannot copy a %T", response)
	}
	var failed error
	slices.SortStableFunc(sorted.Resources, func(a, b *anypb.Any) int {
		left, errLeft := resourceName(a)
		right, errRight := resourceName(b)
		failed = cmp.Or(failed, errLeft, errRight)
		return cmp.Compare(left, right)
	})
	if failed != nil {
		return nil, failed
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(sorted)
	if err != nil {
		return nil, err
	}
	var compact, out bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, err
	}
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// resourceNames are the names of all resources in a response, sorted.
func resourceNames(response *discovery.DiscoveryResponse) ([]string, error) {
	names := []string{}
	for _, resource := range response.GetResources() {
		name, err := resourceName(resource)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func resourceName(resource *anypb.Any) (string, error) {
	message, err := resource.UnmarshalNew()
	if err != nil {
		return "", err
	}
	switch m := message.(type) {
	case *endpoint.ClusterLoadAssignment:
		return m.GetClusterName(), nil
	case interface{ GetName() string }:
		return m.GetName(), nil
	default:
		return "", fmt.Errorf("a resource of type %s has no name", resource.GetTypeUrl())
	}
}

// references are the names of EDS resources that clusters need, or of RDS resources that listeners
// need, sorted, with their type URL. Other types refer to nothing.
func references(response *discovery.DiscoveryResponse) (string, []string, error) {
	names := []string{}
	for _, resource := range response.GetResources() {
		message, err := resource.UnmarshalNew()
		if err != nil {
			return "", nil, err
		}
		switch m := message.(type) {
		case *cluster.Cluster:
			names = append(names, edsName(m)...)
		case *listener.Listener:
			found, err := rdsNames(m)
			if err != nil {
				return "", nil, err
			}
			names = append(names, found...)
		case *route.RouteConfiguration, *endpoint.ClusterLoadAssignment:
		}
	}
	slices.Sort(names)
	dependent := map[string]string{clusterType: endpointType, listenerType: routeType}[response.GetTypeUrl()]
	return dependent, slices.Compact(names), nil
}

func edsName(c *cluster.Cluster) []string {
	if c.GetType() != cluster.Cluster_EDS {
		return nil
	}
	return []string{cmp.Or(c.GetEdsClusterConfig().GetServiceName(), c.GetName())}
}

func rdsNames(l *listener.Listener) ([]string, error) {
	var names []string
	for _, chain := range append(l.GetFilterChains(), l.GetDefaultFilterChain()) {
		for _, filter := range chain.GetFilters() {
			if !filter.GetTypedConfig().MessageIs(&hcm.HttpConnectionManager{}) {
				continue
			}
			manager := &hcm.HttpConnectionManager{}
			if err := filter.GetTypedConfig().UnmarshalTo(manager); err != nil {
				return nil, err
			}
			if name := manager.GetRds().GetRouteConfigName(); name != "" {
				names = append(names, name)
			}
		}
	}
	return names, nil
}
