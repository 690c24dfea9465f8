package config_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// The environment overrides the file, and flags override both.
func ExampleLoad() {
	file := filepath.Join(os.TempDir(), "rocketmq-proxy-example.toml")
	if err := os.WriteFile(file, []byte("[[cluster]]\nname_servers = ['10.0.0.1:9876']\n[[listener]]\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file)
	cfg, err := config.Load(config.Sources{
		File:  file,
		Env:   []string{"ROCKETMQ_PROXY_LISTENER__0__ADVERTISE=mq.example.com"},
		Flags: map[string]any{"admin": "127.0.0.1:9999"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cfg.Clusters[0].NameServers, cfg.Listeners[0].Advertise, cfg.Admin.Address)
	// Output: [10.0.0.1:9876] mq.example.com 127.0.0.1:9999
}

// Each problem is a sentence, and all of them come at once.
func ExampleProblems() {
	_, err := config.Load(config.Sources{Flags: map[string]any{"name-server": "10.0.0.1", "log-level": "loud"}})
	var problems *config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems.List {
			fmt.Println(p.Key, p.Origin, p.Fault)
		}
	}
	// Output:
	// log.level flag --log-level must be one of "debug", "info", "warn", "error"
	// cluster[0].name_servers[0] flag --name-server must be an address
}

func ExampleDiff() {
	old, next := config.Default(), config.Default()
	next.Log.Level = "debug"
	for _, change := range config.Diff(old, next) {
		fmt.Println(change)
	}
	// Output: log.level: "info" → "debug"
}

func ExampleMask() {
	fmt.Println(config.Mask(`cannot push to "http://me:secret@vm:8428/import?token=secret&extra_label=a"`))
	// Output: cannot push to "http://xxxxx@vm:8428/import?token=xxxxx&extra_label=a"
}
