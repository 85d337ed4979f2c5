package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// task is one of ../../istio: a folder with istio.yaml, which is added to the mesh "before", and the node that shows it.
type task struct {
	Name string `json:"name"`
	Node string `json:"node"`
}

// captureTasks captures every task of tasks.json and writes JSON views to <task>/xds.
func captureTasks(pilot, istio, dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "tasks.json"))
	if err != nil {
		return err
	}
	var tasks []task
	if err := json.Unmarshal(text, &tasks); err != nil {
		return fmt.Errorf("tasks.json: %w", err)
	}
	for _, t := range tasks {
		if err := captureTask(pilot, istio, dir, t); err != nil {
			return fmt.Errorf("task %s: %w", t.Name, err)
		}
	}
	return nil
}

func captureTask(pilot, istio, dir string, t task) error {
	nodes := bookinfoNodes(istioVersion)
	index := slices.IndexFunc(nodes, func(n node) bool { return n.Name == t.Node })
	if index < 0 {
		return fmt.Errorf("no node %q", t.Node)
	}
	work, err := os.MkdirTemp("", "istio-task-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := stage(istio, filepath.Join(dir, t.Name, "istio.yaml"), work); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cp, err := startControlPlane(ctx, pilot, work, variant{Name: t.Name, Folders: []string{"before", "task"}})
	if err != nil {
		return err
	}
	defer cp.stop()
	got, err := fetch(ctx, cp.grpcAddr, nodes[index])
	if err != nil {
		return err
	}
	return saveReadable(filepath.Join(dir, t.Name, "xds"), got)
}

// stage lays the mesh and the task's configuration side by side, as startControlPlane wants them.
func stage(istio, taskFile, work string) error {
	if err := os.CopyFS(filepath.Join(work, "before"), os.DirFS(filepath.Join(istio, "before"))); err != nil {
		return err
	}
	for from, to := range map[string]string{
		filepath.Join(istio, "mesh.yaml"): filepath.Join(work, "mesh.yaml"),
		taskFile:                          filepath.Join(work, "task", "istio.yaml"),
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
