package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func document(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// Each warning and error that the program can log is explained to whoever is on call.
func TestOperationsKnowsTheLog(t *testing.T) {
	manual := strings.Join(strings.Fields(document(t, "docs/OPERATIONS.md")), " ")
	messages := 0
	for _, p := range []string{"actors", "server", "."} {
		files, err := filepath.Glob(filepath.Join(p, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, message := range warnings(t, file) {
				messages++
				beginning, _, _ := strings.Cut(message, ";")
				if !strings.Contains(manual, beginning) {
					t.Errorf("%s logs %q, which docs/OPERATIONS.md does not explain", file, beginning)
				}
			}
		}
	}
	require.Greater(t, messages, 30, "the test does not find them any more")
}

// warnings are the texts of the calls of Warn and Error on a logger in a file.
func warnings(t *testing.T, file string) (texts []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "Warn" && method.Sel.Name != "Error" {
			return true
		}
		first := call.Args[0]
		for sum, ok := first.(*ast.BinaryExpr); ok; sum, ok = first.(*ast.BinaryExpr) {
			first = sum.X
		}
		if text, ok := first.(*ast.BasicLit); ok && text.Kind == token.STRING {
			texts = append(texts, strings.Trim(text.Value, "\"`"))
		}
		return true
	})
	return texts
}

// Files that the documents link to are there.
func TestDocumentsLinkToFiles(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, file := range []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/OPERATIONS.md", "docs/COMPATIBILITY.md"} {
		for _, found := range link.FindAllStringSubmatch(document(t, file), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(file), found[1]))
			require.NoError(t, err, "%s links to %s", file, found[1])
		}
	}
}

// Files of actors/ and server/ that ARCHITECTURE.md names without a link are there as well, and no actor is left out of
// its tree.
func TestArchitectureNamesFiles(t *testing.T) {
	text := document(t, "ARCHITECTURE.md")
	for _, name := range regexp.MustCompile(`(?:actors|server|transport|messages|route)/[a-z_]+\.go`).FindAllString(text, -1) {
		_, err := os.Stat(name)
		require.NoError(t, err)
	}
	rules := document(t, "actors/supervision.go")
	_, rules, _ = strings.Cut(rules, "var rules = map[string]rule{")
	rules, _, _ = strings.Cut(rules, "\n}")
	kinds := regexp.MustCompile(`(?m)^\t"([a-z]+)":`).FindAllStringSubmatch(rules, -1)
	require.Greater(t, len(kinds), 5)
	for _, kind := range kinds {
		require.Regexp(t, `[├└]── `+kind[1]+`\b`, text, "the tree lacks %s", kind[1])
	}
}

// Keys that a document names by their table are keys.
func TestDocumentsNameKeys(t *testing.T) {
	example := document(t, "proxy.example.toml")
	named := regexp.MustCompile("`(?:limits|timeouts|admin|metrics|log)\\.([a-z_]+)`")
	for _, file := range []string{"README.md", "docs/OPERATIONS.md", "docs/COMPATIBILITY.md", "ARCHITECTURE.md"} {
		for _, key := range named.FindAllStringSubmatch(document(t, file), -1) {
			require.Contains(t, example, "\n"+key[1]+" = ", "%s names a key that is none", file)
		}
	}
}
