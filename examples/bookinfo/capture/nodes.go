package main

import (
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// istioVersion is the proxy version the nodes declare: that of the pinned control plane.
const istioVersion = "1.31.0"

// node is one proxy to capture for: the folder name of its files, its Envoy node id
// (type~IP~name.namespace~DNS domain) and the metadata an injected proxy would send.
type node struct {
	Name     string         `json:"name"`
	ID       string         `json:"id"`
	Cluster  string         `json:"cluster"`
	Metadata map[string]any `json:"metadata"`
}

// bookinfoNodes are the sidecar of productpage v1 (its address is an endpoint in services.yaml)
// and the ingress gateway that gateway.yaml selects.
func bookinfoNodes(version string) []node {
	return []node{
		{
			Name:    "sidecar",
			ID:      "sidecar~127.0.11.1~productpage-v1.default~default.svc.cluster.local",
			Cluster: "productpage.default",
			Metadata: map[string]any{
				"APP_CONTAINERS":    "productpage",
				"CLUSTER_ID":        "Kubernetes",
				"INSTANCE_IPS":      "127.0.11.1",
				"INTERCEPTION_MODE": "REDIRECT",
				"ISTIO_VERSION":     version,
				"LABELS":            map[string]any{"app": "productpage", "version": "v1"},
				"MESH_ID":           "cluster.local",
				"NAME":              "productpage-v1",
				"NAMESPACE":         "default",
				"POD_PORTS":         `[{"containerPort":9080,"protocol":"TCP"}]`,
				"SERVICE_ACCOUNT":   "bookinfo-productpage",
				"WORKLOAD_NAME":     "productpage-v1",
			},
		},
		{
			Name:    "gateway",
			ID:      "router~127.0.1.1~istio-ingressgateway.istio-system~istio-system.svc.cluster.local",
			Cluster: "istio-ingressgateway.istio-system",
			Metadata: map[string]any{
				"CLUSTER_ID":      "Kubernetes",
				"INSTANCE_IPS":    "127.0.1.1",
				"ISTIO_VERSION":   version,
				"LABELS":          map[string]any{"app": "istio-ingressgateway", "istio": "ingressgateway"},
				"MESH_ID":         "cluster.local",
				"NAME":            "istio-ingressgateway",
				"NAMESPACE":       "istio-system",
				"SERVICE_ACCOUNT": "istio-ingressgateway-service-account",
				"WORKLOAD_NAME":   "istio-ingressgateway",
			},
		},
	}
}

// proto is the node as the first request of a stream carries it.
func (n node) proto() (*core.Node, error) {
	metadata, err := structpb.NewStruct(n.Metadata)
	if err != nil {
		return nil, err
	}
	return &core.Node{Id: n.ID, Cluster: n.Cluster, Metadata: metadata, UserAgentName: "bookinfo-capture"}, nil
}
