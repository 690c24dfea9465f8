package server

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// startRules are where a start can fail: the files, and in them the functions ("": all).
var startRules = map[string]string{
	"build.go": "", "tls.go": "", "tls_files.go": "", "portfile.go": "load", "operations_file.go": "load", "push.go": "check",
	"../admin/auth.go": "NewPolicy readToken readAuthorities", "../admin/admin.go": "Listen ListenMetrics",
	"../route/ports.go": "NewPortTable", "../handover/inherit.go": "Inherit", "../actors/listener/listener.go": "openNameServer",
}

// notOfTheConfiguration are failures that no configuration can be blamed for.
var notOfTheConfiguration = []string{"cannot set up the transport: "}

// Whatever keeps serve from starting is named by check before, with its key. The rules are found in the code, so a new one
// fails this test until a configuration that breaks it stands below.
func TestCheckKnowsWhatKeepsServeFromStarting(t *testing.T) {
	cluster := rocketMQ(t, embedded.Options{}).NameServers()[0]
	failures := ""
	for key, spoil := range spoiled(t) {
		t.Run(key, func(t *testing.T) {
			cfg := devConfig(DevOptions{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}, []string{cluster})
			spoil(cfg)
			require.Contains(t, sentencesOf(cfg), "cannot use "+strings.TrimRight(key, " "), "check")
			failure := startFailure(t, cfg)
			require.Error(t, failure, "serve")
			failures += failure.Error() + "\n"
		})
	}
	for _, rule := range errorTexts(t) {
		require.Regexp(t, rule, failures, "no configuration of this test breaks the rule")
	}
}

// sentencesOf is everything that check says.
func sentencesOf(cfg *config.Config) string {
	var list []config.Problem
	var bad *config.Problems
	if errors.As(config.Validate(cfg), &bad) {
		list = append(list, bad.List...)
	}
	text := ""
	for _, p := range append(list, Check(cfg).Problems...) {
		text += p.String() + "\n"
	}
	return text
}

// startFailure starts without what main does first (config.Validate, CheckFiles); nil: it becomes ready.
func startFailure(t *testing.T, cfg *config.Config) error {
	t.Helper()
	s, err := Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, nil) }()
	err = s.awaitReady(ctx, served)
	cancel()
	if err == nil {
		<-served
	}
	return err
}

// spoiled are changes of a configuration that keep serve from starting, by what check must name. A blank at the end only
// distinguishes them.
func spoiled(t *testing.T) map[string]func(*config.Config) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	none, empty, hush := filepath.Join(dir, "none"), file("empty", ""), file("hush", "hush")
	ca := testca.New(t)
	pair, other := ca.Files(t, dir, "mq"), ca.Files(t, dir, "other")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	taken := ln.Addr().String()
	secured := func(tls config.ListenerTLS) func(*config.Config) {
		return func(c *config.Config) {
			tls.Mode, tls.MinVersion = config.TLSRequired, "1.2"
			c.Listeners[0].TLS = tls
		}
	}
	stateFile := func(name, text string) func(*config.Config) {
		state := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(state, name), []byte(text), 0o600))
		return func(c *config.Config) { c.StateDir = state }
	}
	directory := func(name string) func(*config.Config) {
		state := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(state, name), 0o700))
		return func(c *config.Config) { c.StateDir = state }
	}
	return map[string]func(*config.Config){
		"listener[0].cluster":             func(c *config.Config) { c.Listeners[0].Cluster = "none" },
		"listener[0].proxy_protocol_from": func(c *config.Config) { c.Listeners[0].ProxyProtocolFrom = []string{"office"} },
		"listener[0].ports.b/0":           func(c *config.Config) { c.Listeners[0].Ports = map[string]int{"b/0": 70000} },
		"listener[0].address":             func(c *config.Config) { c.Listeners[0].Address = taken },
		"listener[0].address ": func(c *config.Config) {
			c.Listeners[0].Address, c.HandOver = taken, filepath.Join(dir, "s")
		},
		"listener[0].tls.certificate":  secured(config.ListenerTLS{Certificate: none, Key: pair.Key}),
		"listener[0].tls.certificate ": secured(config.ListenerTLS{Certificate: pair.Certificate, Key: other.Key}),
		"listener[0].tls.client_ca":    secured(config.ListenerTLS{Certificate: pair.Certificate, Key: pair.Key, ClientCA: empty}),
		"cluster[0].tls.ca":            func(c *config.Config) { c.Clusters[0].TLS = config.ClusterTLS{Enabled: true, CA: empty} },
		"limit[0].topic": func(c *config.Config) {
			c.RequestLimits = []config.Limit{{Name: "l", Topic: config.Matcher{Regex: "("}, RequestsPerSecond: 1}}
		},
		"state_dir":             stateFile("ports-dev.json", "{"),
		"state_dir ":            stateFile("ports-dev.json", `{"nonsense": 1}`),
		"state_dir  ":           directory("ports-dev.json"),
		"state_dir   ":          stateFile("maintenance.json", "{"),
		"state_dir    ":         directory("maintenance.json"),
		"state_dir     ":        stateFile("maintenance.json", `{"maintenance": [{"topic": "orders", "mode": "of"}]}`),
		"metrics.push_url":      func(c *config.Config) { c.Metrics.PushURL = "ftp://h/" },
		"metrics.address":       func(c *config.Config) { c.Metrics.Address = taken },
		"admin.address":         func(c *config.Config) { c.Admin.Address = taken },
		"admin.address ":        func(c *config.Config) { c.Admin.Address = "0.0.0.0:0" },
		"admin.token_file":      func(c *config.Config) { c.Admin.TokenFile = none },
		"admin.token_file ":     func(c *config.Config) { c.Admin.TokenFile = empty },
		"admin.read_token_file": func(c *config.Config) { c.Admin.TokenFile, c.Admin.ReadTokenFile = hush, hush },
		"admin.certificate":     func(c *config.Config) { c.Admin.Certificate, c.Admin.Key = pair.Certificate, other.Key },
		"admin.client_ca": func(c *config.Config) {
			c.Admin.Certificate, c.Admin.Key, c.Admin.ClientCA = pair.Certificate, pair.Key, empty
		},
		"admin.client_ca ": func(c *config.Config) { c.Admin.ClientCA = pair.Certificate },
	}
}

// errorTexts are the errors of startRules as expressions that match them.
func errorTexts(t *testing.T) (rules []string) {
	t.Helper()
	for file, functions := range startRules {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || functions != "" && !strings.Contains(" "+functions+" ", " "+f.Name.Name+" ") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if text := errorText(n); text != "" {
					rules = append(rules, text)
				}
				return true
			})
		}
	}
	require.Greater(t, len(rules), 20, "the test no longer finds them")
	return rules
}

var verb = regexp.MustCompile(`%[a-z]`)

// errorText is the expression of a call of fmt.Errorf or errors.New; "": it is something else.
func errorText(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return ""
	}
	made, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || made.Sel.Name != "Errorf" && made.Sel.Name != "New" {
		return ""
	}
	arg := call.Args[0]
	for sum, isSum := arg.(*ast.BinaryExpr); isSum; sum, isSum = arg.(*ast.BinaryExpr) {
		arg = sum.X
	}
	literal, ok := arg.(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, _ := strconv.Unquote(literal.Value)
	for _, other := range notOfTheConfiguration {
		if strings.HasPrefix(text, other) {
			return ""
		}
	}
	return verb.ReplaceAllString(regexp.QuoteMeta(text), `(?s:.*)`)
}
