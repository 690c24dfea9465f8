package main

import (
	"bytes"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

var update = flag.Bool("update", false, "write the golden file of the log")

// loggedFacts is what a call logs, or a list of facts that several calls share.
type loggedFacts struct {
	at      token.Position
	message string // "": shared facts
	level   slog.Level
	facts   []fact
}

type fact struct{ key, value string } // value: the expression

var (
	tellsTime = regexp.MustCompile(`\btime\.(Since|Until)\(|\.Sub\(|Seconds\(\)|\bseconds\(`)
	inSeconds = regexp.MustCompile(`Seconds\(\)$|^seconds\(`)
	smaller   = regexp.MustCompile(`(Nano|Micro|Milli)seconds\(\)|UnixNano|UnixMilli`)
	timeWord  = regexp.MustCompile(`(^|_)(after|age|delay|down|interval|left|timeout|uptime|wait|waited)$`)
	sizeWord  = regexp.MustCompile(`(^|_)(bytes|memory|memory_limit|size|buffer_total|buffer)$`)
)

// A duration or a size has its unit in its key, or is rendered with it: 1.5 under after_seconds, "64MiB" under buffer_total.
func TestLogLinesHaveUnits(t *testing.T) {
	timed := 0
	for _, l := range allLoggedFacts(t) {
		for _, f := range l.facts {
			told := inSeconds.MatchString(f.value)
			if told {
				timed++
			}
			switch seconds := strings.HasSuffix(f.key, "_seconds"); {
			case smaller.MatchString(f.value):
				t.Errorf("%s: %q: write %s in seconds", l.at, f.key, f.value)
			case told != seconds || tellsTime.MatchString(f.value) && !told:
				t.Errorf("%s: %q = %s: the key of a duration ends in _seconds, and its value is of Seconds()", l.at, f.key, f.value)
			case timeWord.MatchString(f.key):
				t.Errorf("%s: %q: has no unit", l.at, f.key)
			case sizeWord.MatchString(f.key) && !strings.HasSuffix(f.key, "_bytes") && !strings.HasPrefix(f.value, "mebibytes(") && f.value != "env":
				t.Errorf("%s: %q = %s: write the unit into the key (_bytes), or into the value", l.at, f.key, f.value)
			}
		}
	}
	require.Greater(t, timed, 10, "the test no longer finds them")
}

// Each line of the log, in both formats, stands in a golden file, so that a change of one shows in a diff. Values are made up
// by their keys; facts that several lines share stand at the end. To write it: go test . -run LogLines -update
func TestLogLinesAreThoseOfTheGoldenFile(t *testing.T) {
	golden := filepath.Join("testdata", "log_lines.txt")
	text := goldenLog(t)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "the log has changed; if it is meant: go test . -run LogLines -update")
}

func goldenLog(t *testing.T) string {
	t.Helper()
	out := &bytes.Buffer{}
	p := &program{stderr: out}
	inText, _ := p.newLog(config.Log{Level: "debug", Format: "text"}, out)
	inJSON, _ := p.newLog(config.Log{Level: "debug", Format: "json"}, out)
	var entries, shared []string
	for _, l := range allLoggedFacts(t) {
		out.Reset()
		for _, log := range []*slog.Logger{inText, inJSON} {
			r := slog.NewRecord(time.Time{}, l.level, l.message, 0)
			for _, f := range l.facts {
				r.AddAttrs(slog.Any(f.key, madeUp(f.key)))
			}
			require.NoError(t, log.Handler().Handle(t.Context(), r))
		}
		if l.message == "" {
			shared = append(shared, out.String())
		} else {
			entries = append(entries, out.String())
		}
	}
	slices.Sort(entries)
	slices.Sort(shared)
	return strings.Join(slices.Concat(slices.Compact(entries), []string{"\n"}, slices.Compact(shared)), "")
}

// madeUp is a value that a key may have.
func madeUp(key string) any {
	switch {
	case strings.HasSuffix(key, "_seconds"):
		return 1.5
	case strings.HasSuffix(key, "_bytes"), slices.Contains([]string{"count", "port", "process", "brokers", "clusters", "listeners", "in_flight", "connections", "handed_over", "refused", "waiting"}, key):
		return 7
	case slices.Contains([]string{"changed", "changed_for_new_connections", "needs_restart", "not_used", "clients"}, key):
		return []string{"a", "b c"}
	case key == "error":
		return errors.New("dial tcp http://me:secret@h: connection refused")
	}
	return "a b"
}

// allLoggedFacts are those of the program, in the order of files.
func allLoggedFacts(t *testing.T) (all []loggedFacts) {
	t.Helper()
	for _, file := range moduleFiles(t, ".go") {
		if !ofTheProgram(file) {
			continue
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if at, ok := logCalls[calledMethod(n)]; ok && len(n.Args) > at {
					for _, message := range constants(parsed, n.Args[at]) {
						all = append(all, loggedFacts{files.Position(n.Pos()), message, levelOf(n), factsAmong(files, n.Args[at+1:])})
					}
				}
			case *ast.CompositeLit:
				list, ok := n.Type.(*ast.ArrayType)
				if facts := factsAmong(files, n.Elts); ok && isAny(list.Elt) && len(facts) > 0 {
					all = append(all, loggedFacts{at: files.Position(n.Pos()), facts: facts})
				}
			}
			return true
		})
	}
	return all
}

func levelOf(call *ast.CallExpr) (level slog.Level) {
	_ = level.UnmarshalText([]byte(strings.TrimSuffix(calledMethod(call), "Context"))) // Log has none of its own: INFO
	return level
}

// factsAmong are the facts with a constant key in a list of alternating keys and values, as in keysAmong.
func factsAmong(files *token.FileSet, list []ast.Expr) (facts []fact) {
	for i := 0; i < len(list); i++ {
		switch e := list[i].(type) {
		case *ast.BasicLit:
			if key, err := strconv.Unquote(e.Value); err == nil && i+1 < len(list) {
				i++
				facts = append(facts, fact{key, expression(files, list[i])})
			}
		case *ast.CallExpr: // append(shared, "key", value), s.counts("key", value)
			args := e.Args
			if name, ok := e.Fun.(*ast.Ident); ok && name.Name == "append" {
				args = args[1:]
			}
			facts = append(facts, factsAmong(files, args)...)
		default: // a key that is not constant, and its value
			i++
		}
	}
	return facts
}

func expression(files *token.FileSet, e ast.Expr) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, files, e) // to memory
	return b.String()
}
