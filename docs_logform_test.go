package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const longestLogMessage = 8 // words

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	// A message begins in lower case, or with a word in capitals such as TLS or BUG.
	beginsSmall = regexp.MustCompile(`^([a-z]|[A-Z]+\b)`)
)

// Every line that the program can log is short, in plain words, and has its facts under keys in snake_case.
func TestLogLinesHaveOneForm(t *testing.T) {
	lines := 0
	for _, file := range moduleFiles(t, ".go") {
		if !ofTheProgram(file) {
			continue
		}
		for _, l := range logLines(t, file) {
			lines++
			for _, message := range l.messages {
				if len(strings.Fields(message)) > longestLogMessage || strings.ContainsAny(message, ";\n") || !beginsSmall.MatchString(message) {
					t.Errorf("%s: message %q: at most %d words, no semicolon, lower case", l.at, message, longestLogMessage)
				}
			}
			for _, key := range l.keys {
				if !snakeCase.MatchString(key) {
					t.Errorf("%s: key %q is not snake_case", l.at, key)
				}
			}
		}
	}
	require.Greater(t, lines, 30, "the test no longer finds them")
}

// logLine is a call that logs, or that builds the facts of one.
type logLine struct {
	at             token.Position
	messages, keys []string
}

// The methods of a logger, and where the message stands among their arguments.
var logCalls = map[string]int{
	"Debug": 0, "Info": 0, "Warn": 0, "Error": 0,
	"DebugContext": 1, "InfoContext": 1, "WarnContext": 1, "ErrorContext": 1, "Log": 2, "LogAttrs": 2,
}

func logLines(t *testing.T, file string) (all []logLine) {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		l := logLine{}
		switch n := n.(type) {
		case *ast.CallExpr:
			at, ok := logCalls[calledMethod(n)]
			if !ok || len(n.Args) <= at {
				return true
			}
			l.messages = constants(parsed, n.Args[at])
			l.keys = keysAmong(n.Args[at+1:])
		case *ast.CompositeLit: // facts that several lines share
			if list, ok := n.Type.(*ast.ArrayType); !ok || !isAny(list.Elt) {
				return true
			}
			l.keys = keysAmong(n.Elts)
		default:
			return true
		}
		if l.at = files.Position(n.Pos()); len(l.messages)+len(l.keys) > 0 {
			all = append(all, l)
		}
		return true
	})
	return all
}

func calledMethod(call *ast.CallExpr) string {
	if method, ok := call.Fun.(*ast.SelectorExpr); ok {
		return method.Sel.Name
	}
	return ""
}

func isAny(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "any"
}

// keysAmong are the constant keys in a list of alternating keys and values, also in lists that are appended to one.
func keysAmong(list []ast.Expr) (keys []string) {
	for i, e := range list {
		switch e := e.(type) {
		case *ast.BasicLit:
			if i%2 == 0 && e.Kind == token.STRING {
				key, _ := strconv.Unquote(e.Value)
				keys = append(keys, key)
			}
		case *ast.CallExpr: // append(shared, "key", value), s.counts("key", value), slog.Int("key", value)
			name, isFunc := e.Fun.(*ast.Ident)
			switch {
			case i%2 == 1: // a value
			case isFunc && name.Name == "append":
				keys = append(keys, keysAmong(e.Args[1:])...)
			default:
				keys = append(keys, keysAmong(e.Args)...)
			}
		}
	}
	return keys
}
