package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each warning and each error that the program can log, in whatever package, is explained to the person on call.
func TestDocumentsExplainTheLog(t *testing.T) {
	manual := strings.Join(strings.Fields(document(t, "docs/OPERATIONS.md")), " ")
	messages := 0
	for _, file := range moduleFiles(t, ".go") {
		if !ofTheProgram(file) {
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
	require.Greater(t, messages, 30, "the test no longer finds them")
}

// ofTheProgram tells whether a file is compiled into the binary that operators run.
func ofTheProgram(file string) bool {
	return !strings.HasSuffix(file, "_test.go") && !regexp.MustCompile(`^(integration|bench|internal)/`).MatchString(file)
}

// Where the text of a line stands among the arguments of what logs it.
var logMethods = map[string]int{
	"Warn": 0, "Error": 0, "WarnContext": 1, "ErrorContext": 1, "Log": 2, "LogAttrs": 2,
}

// warnings are the texts that a file logs as warnings or errors, or with a level that only the running program knows.
// A text that comes as a parameter is found where it is passed; sloglint reports those that are not constants.
func warnings(t *testing.T, file string) (texts []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		at, logs := logMethods[method.Sel.Name]
		if !logs || len(call.Args) <= at || at == 2 && harmless(call.Args[1]) {
			return true
		}
		texts = append(texts, constants(parsed, call.Args[at])...)
		return true
	})
	return texts
}

// harmless tells whether a level is that of information.
func harmless(level ast.Expr) bool {
	name, ok := level.(*ast.SelectorExpr)
	return ok && (name.Sel.Name == "LevelInfo" || name.Sel.Name == "LevelDebug")
}

// constants are the texts that an expression can be: a literal, the beginning of a sum, or what the file assigns to a name.
func constants(file *ast.File, text ast.Expr) (found []string) {
	for sum, ok := text.(*ast.BinaryExpr); ok; sum, ok = text.(*ast.BinaryExpr) {
		text = sum.X
	}
	switch text := text.(type) {
	case *ast.BasicLit:
		if text.Kind == token.STRING {
			found = append(found, strings.Trim(text.Value, "\"`"))
		}
	case *ast.Ident:
		ast.Inspect(file, func(n ast.Node) bool {
			assignment, ok := n.(*ast.AssignStmt)
			if !ok || len(assignment.Lhs) != len(assignment.Rhs) {
				return true
			}
			for i, left := range assignment.Lhs {
				if name, ok := left.(*ast.Ident); ok && name.Name == text.Name {
					if literal, ok := assignment.Rhs[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
						found = append(found, strings.Trim(literal.Value, "\"`"))
					}
				}
			}
			return true
		})
	}
	return found
}
