package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad: no file and no variable makes the loader panic, and what Print writes loads as the same configuration.
func FuzzLoad(f *testing.F) {
	f.Fuzz(func(t *testing.T, doc, variable, value string) {
		cfg, err := load(Sources{File: "fuzz.toml", Env: []string{envPrefix + variable + "=" + value}}, []byte(doc))
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(line, "cannot ") {
					t.Fatalf("got %q; want one sentence per problem", line)
				}
			}
			return
		}
		cfg.Metrics.PushURL = "" // masked, so it cannot come back
		again, err := load(Sources{File: "printed.toml"}, []byte(printed(t, cfg)))
		if err != nil {
			t.Fatalf("cannot load what was printed: %s\n%s", err, printed(t, cfg))
		}
		if a, b := withoutOrigins(t, cfg), withoutOrigins(t, again); a != b {
			t.Fatalf("got\n%s\nwant\n%s", b, a)
		}
	})
}

func printed(t *testing.T, cfg *Config) string {
	var out strings.Builder
	if err := Print(&out, cfg); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func withoutOrigins(t *testing.T, cfg *Config) string {
	plain := *cfg
	plain.origins = nil
	return printed(t, &plain)
}

// The committed seeds are complete: a directory that was not added would leave the fuzzer blind.
func TestFuzzSeedsAreThere(t *testing.T) {
	seeds, err := filepath.Glob("testdata/fuzz/FuzzLoad/*")
	if err != nil || len(seeds) < 6 {
		t.Fatalf("got %d seeds, %v; want at least 6", len(seeds), err)
	}
	if _, err := os.Stat("testdata/fuzz/FuzzLoad/full"); err != nil {
		t.Fatal(err)
	}
}
