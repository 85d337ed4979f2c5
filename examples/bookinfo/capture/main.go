// Capture asks a real Istio control plane for the xDS configuration of the Bookinfo mesh.
//
// For each variant of ../istio it runs pilot-discovery on loopback with file configuration only,
// connects as one sidecar and as one gateway, and writes what each is sent to ../xds.
// It is a developer's tool, run through capture.sh; no build and no test depends on it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"
)

// istioModule is the module whose pinned version is captured.
const istioModule = "istio.io/istio"

// variant is one state of the mesh: the folders of Istio configuration that are in force together.
type variant struct {
	Name    string   `json:"name"`
	Folders []string `json:"istio_folders"`
}

var variants = []variant{
	{Name: "before", Folders: []string{"before"}},
	{Name: "after", Folders: []string{"before", "after"}},
}

// captured is the record written to CAPTURED.json.
type captured struct {
	Date         string    `json:"date"`
	Istio        string    `json:"istio"`
	Patch        string    `json:"patch"`
	Go           string    `json:"go"`
	Command      string    `json:"command"`
	ControlPlane []string  `json:"control_plane_command"`
	Protocol     string    `json:"protocol"`
	Variants     []variant `json:"variants"`
	Nodes        []node    `json:"nodes"`
}

// logger is separate from the standard one, which Istio's packages take over.
var logger = log.New(os.Stderr, "", 0)

func main() {
	pilot := flag.String("pilot", "", "the pilot-discovery program")
	istio := flag.String("istio", "../istio", "folder of Istio configuration")
	out := flag.String("out", "../xds", "folder to write to")
	tasks := flag.String("tasks", "", "folder of tasks to capture instead, such as ../../istio")
	flag.Parse()
	if *tasks != "" {
		if err := captureTasks(*pilot, *istio, *tasks); err != nil {
			logger.Fatal(err)
		}
		return
	}
	if err := run(*pilot, *istio, *out); err != nil {
		logger.Fatal(err)
	}
}

func run(pilot, istio, out string) error {
	nodes := bookinfoNodes(istioVersion)
	for _, v := range variants {
		if err := captureVariant(pilot, istio, out, v, nodes); err != nil {
			return fmt.Errorf("variant %s: %w", v.Name, err)
		}
	}
	return writeRecord(out, nodes)
}

// captureVariant runs one control plane for the variant and captures every node from it.
func captureVariant(pilot, istio, out string, v variant, nodes []node) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cp, err := startControlPlane(ctx, pilot, istio, v)
	if err != nil {
		return err
	}
	defer cp.stop()
	for _, n := range nodes {
		got, err := fetch(ctx, cp.grpcAddr, n)
		if err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
		if err := save(filepath.Join(out, n.Name, v.Name), got); err != nil {
			return err
		}
	}
	return nil
}

func writeRecord(out string, nodes []node) error {
	record := captured{
		Date:         time.Now().UTC().Format(time.DateOnly),
		Istio:        moduleVersion(istioModule),
		Patch:        "examples/bookinfo/capture/no-kubernetes.patch",
		Go:           runtime.Version(),
		Command:      "examples/bookinfo/capture/capture.sh",
		ControlPlane: append([]string{"pilot-discovery"}, pilotArgs("CONFIG_DIR", "MESH_CONFIG", portNames)...),
		Protocol:     "ADS, state of the world, plain-text gRPC",
		Variants:     variants,
		Nodes:        nodes,
	}
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "CAPTURED.json"), append(text, '\n'), 0o644)
}

// moduleVersion is the version of a module that this program was linked with, as path@version.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return path
	}
	for _, dep := range info.Deps {
		if dep.Path == path {
			return dep.Path + "@" + dep.Version
		}
	}
	return path
}
