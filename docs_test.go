package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// moduleFiles are the files of the module whose names end so, slash-separated and relative to its root. Folders of
// other modules and of test data are left out.
func moduleFiles(t *testing.T, ending string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." {
			_, missing := os.Stat(filepath.Join(name, "go.mod"))
			if missing == nil || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") {
				return filepath.SkipDir
			}
		}
		if !entry.IsDir() && strings.HasSuffix(name, ending) {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	require.NoError(t, err)
	return files
}

// documents are the texts for people, by name.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, name := range moduleFiles(t, ".md") {
		texts[name] = document(t, name)
	}
	require.Greater(t, len(texts), 5, "the test no longer finds the documents")
	return texts
}

func document(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// What a document links to is there: the file, and the heading in it.
func TestDocumentsLinkToWhatExists(t *testing.T) {
	texts := documents(t)
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]*))?\)`)
	for name, text := range texts {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target := name
			if found[1] != "" {
				target = path.Join(path.Dir(name), found[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", name, found[1], err)
			} else if found[2] != "" && !anchors(texts[target])[found[2]] {
				t.Errorf("%s links to #%s, which %s does not have", name, found[2], target)
			}
		}
	}
}

// anchors are the names by which GitHub links to the headings of a text.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ +(.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

// Go files that a document names are there, with or without their folder. The changelog is history.
func TestDocumentsNameFiles(t *testing.T) {
	known := map[string]bool{}
	for _, file := range moduleFiles(t, ".go") {
		known[file], known[path.Base(file)] = true, true
	}
	named := regexp.MustCompile(`(?:\.\./)*[a-zA-Z0-9_/]+\.go\b`)
	for name, text := range documents(t) {
		if name == "CHANGELOG.md" {
			continue
		}
		for _, file := range named.FindAllString(text, -1) {
			if !known[file] && !known[path.Join(path.Dir(name), file)] {
				t.Errorf("%s names %s, which does not exist", name, file)
			}
		}
	}
}

// No kind of actor is left out of the tree of ARCHITECTURE.md.
func TestDocumentsShowEveryKindOfActor(t *testing.T) {
	text, kinds := document(t, "ARCHITECTURE.md"), 0
	for _, file := range moduleFiles(t, ".go") {
		_, rules, found := strings.Cut(document(t, file), "\nvar rules = map[string]rule{")
		if !found {
			continue
		}
		rules, _, _ = strings.Cut(rules, "\n}")
		for _, kind := range regexp.MustCompile(`(?m)^\t"([a-z]+)":`).FindAllStringSubmatch(rules, -1) {
			kinds++
			require.Regexp(t, `[├└]── `+kind[1]+`\b`, text, "the tree lacks %s of %s", kind[1], file)
		}
	}
	require.Greater(t, kinds, 5, "the test no longer finds the rules of supervision")
}

// Keys that a document names by their table exist.
func TestDocumentsNameKeys(t *testing.T) {
	keys := exampleKeys(document(t, "proxy.example.toml"))
	require.True(t, keys["listener.tls.mode"] && keys["listener.ports"] && keys["limits"], "the test no longer finds the keys")
	named := regexp.MustCompile("`\\[{0,2}((?:limits|timeouts|admin|metrics|log|cluster|listener|transport)(?:\\.[a-z_]+)*)(?:\\]{1,2}`|[` =])")
	for name, text := range documents(t) {
		for _, found := range named.FindAllStringSubmatch(text, -1) {
			if key := found[1]; strings.Contains(key, ".") && !strings.HasSuffix(key, ".go") && !keys[key] {
				t.Errorf("%s names the key %s, which does not exist", name, key)
			}
		}
	}
}

// exampleKeys are the tables and keys of an example, with those that are commented out: "listener.tls", "listener.tls.mode".
func exampleKeys(text string) map[string]bool {
	keys, table := map[string]bool{}, ""
	line := regexp.MustCompile(`^(?:# )?(?:\[+([a-z_.]+)\]+|([a-z_]+) = .*)$`)
	for text := range strings.Lines(text) {
		found := line.FindStringSubmatch(strings.TrimSpace(text))
		switch {
		case found == nil:
		case found[1] != "":
			table = found[1] + "."
			keys[found[1]] = true
		default:
			keys[table+found[2]] = true
		}
	}
	return keys
}

// Configurations that a document shows are accepted. A cluster and a listener are added to those that
// show none.
func TestDocumentsShowValidConfigurations(t *testing.T) {
	shown := 0
	for name, text := range documents(t) {
		for _, block := range regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(text, -1) {
			toml := block[1]
			if !strings.Contains(toml, "[[cluster]]") {
				toml += "\n[[cluster]]\nname_servers = [\"10.0.0.1:9876\"]\n"
			}
			if !strings.Contains(toml, "[[listener]]") {
				toml += "\n[[listener]]\n"
			}
			file := filepath.Join(t.TempDir(), "proxy.toml")
			require.NoError(t, os.WriteFile(file, []byte(toml), 0o600))
			_, err := config.Load(config.Sources{File: file})
			require.NoError(t, err, "%s shows:\n%s", name, block[1])
			shown++
		}
	}
	require.Positive(t, shown)
}

// A metric that a document names has a line in the tables of docs/OPERATIONS.md. The changelog may name those of old.
// That each metric has one is tested in server.
func TestDocumentsNameMetrics(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`rocketmq_[a-z0-9_]+`(?:, )?)+) \\|").FindAllStringSubmatch(document(t, "docs/OPERATIONS.md"), -1) {
		for _, name := range regexp.MustCompile(`rocketmq_[a-z0-9_]+`).FindAllString(row[1], -1) {
			listed[name] = true
		}
	}
	require.Greater(t, len(listed), 50, "the test no longer finds the tables")
	named := regexp.MustCompile(`\b(?:network\.)?rocketmq_[a-z0-9_]*[a-z0-9]\b`)
	for name, text := range documents(t) {
		if name == "CHANGELOG.md" {
			continue
		}
		for _, metric := range named.FindAllString(text, -1) {
			if !listed[metric] && metric != "network.rocketmq_proxy" { // Envoy's filter
				t.Errorf("%s names the metric %s, which is not listed in docs/OPERATIONS.md", name, metric)
			}
		}
	}
}
