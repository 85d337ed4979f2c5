package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// controlPlane is a running pilot-discovery with its temporary folder.
type controlPlane struct {
	grpcAddr string
	dir      string
	process  *exec.Cmd
	exited   chan error
}

// ports are the TCP ports, as text, that pilot-discovery listens on; all on 127.0.0.1.
type ports struct{ grpc, http, monitoring, ctrlz string }

// portNames stand for the ports where the command is recorded.
var portNames = ports{grpc: "GRPC_PORT", http: "HTTP_PORT", monitoring: "MONITORING_PORT", ctrlz: "CTRLZ_PORT"}

// pilotArgs are the arguments for a control plane without Kubernetes: no registry is named and
// everything is read from files. Only plain text is served.
func pilotArgs(configDir, meshConfig string, p ports) []string {
	return []string{
		"discovery",
		"--configDir", configDir,
		"--meshConfig", meshConfig,
		"--registries", "",
		"--grpcAddr", "127.0.0.1:" + p.grpc,
		"--httpAddr", "127.0.0.1:" + p.http,
		"--monitoringAddr", "127.0.0.1:" + p.monitoring,
		"--ctrlz_address", "127.0.0.1",
		"--ctrlz_port", p.ctrlz,
		"--secureGRPCAddr", "",
		"--httpsAddr", "",
	}
}

// startControlPlane runs pilot-discovery for the variant and returns once it serves ADS.
func startControlPlane(ctx context.Context, pilot, istio string, v variant) (*controlPlane, error) {
	dir, err := os.MkdirTemp("", "bookinfo-istiod-")
	if err != nil {
		return nil, err
	}
	cp := &controlPlane{dir: dir, exited: make(chan error, 1)}
	if err := cp.start(ctx, pilot, istio, v); err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "log"))
		cp.stop()
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return cp, nil
}

func (cp *controlPlane) start(ctx context.Context, pilot, istio string, v variant) error {
	configDir := filepath.Join(cp.dir, "config")
	for _, folder := range v.Folders {
		if err := os.CopyFS(filepath.Join(configDir, folder), os.DirFS(filepath.Join(istio, folder))); err != nil {
			return err
		}
	}
	mesh, err := filepath.Abs(filepath.Join(istio, "mesh.yaml"))
	if err != nil {
		return err
	}
	p, err := freePorts()
	if err != nil {
		return err
	}
	if err := cp.launch(pilot, pilotArgs(configDir, mesh, p)); err != nil {
		return err
	}
	cp.grpcAddr = "127.0.0.1:" + p.grpc
	return cp.awaitReady(ctx)
}

// launch starts the process in its temporary folder, with an environment of its own: variables of
// the caller, such as KUBECONFIG, must not change what is captured.
func (cp *controlPlane) launch(pilot string, args []string) error {
	logFile, err := os.Create(filepath.Join(cp.dir, "log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	cp.process = exec.Command(pilot, args...)
	cp.process.Dir = cp.dir
	cp.process.Env = []string{
		"HOME=" + cp.dir, "POD_NAME=istiod", "POD_NAMESPACE=istio-system", "ENABLE_CA_SERVER=false",
	}
	cp.process.Stdout, cp.process.Stderr = logFile, logFile
	if err := cp.process.Start(); err != nil {
		cp.process = nil
		return err
	}
	go func() { cp.exited <- cp.process.Wait() }()
	return nil
}

// awaitReady waits for the ADS port, which pilot-discovery opens once its configuration is read.
// Its /ready page is of no use here: it waits for webhooks that only exist with Kubernetes.
func (cp *controlPlane) awaitReady(ctx context.Context) error {
	for {
		if conn, err := net.Dial("tcp", cp.grpcAddr); err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("pilot-discovery did not become ready: %w", ctx.Err())
		case err := <-cp.exited:
			cp.process = nil
			return fmt.Errorf("pilot-discovery ended early: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// stop ends the process and removes its folder.
func (cp *controlPlane) stop() {
	if cp.process != nil {
		_ = cp.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-cp.exited:
		case <-time.After(5 * time.Second):
			_ = cp.process.Process.Kill()
			<-cp.exited
		}
	}
	_ = os.RemoveAll(cp.dir)
}

// freePorts asks the system for four ports that are free now. All are held until the last is known,
// so that they differ.
func freePorts() (ports, error) {
	var free [4]string
	for i := range free {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return ports{}, err
		}
		defer l.Close()
		if _, free[i], err = net.SplitHostPort(l.Addr().String()); err != nil {
			return ports{}, err
		}
	}
	return ports{grpc: free[0], http: free[1], monitoring: free[2], ctrlz: free[3]}, nil
}
