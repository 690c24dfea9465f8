package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// patience bounds what must come; it never decides whether something is fast.
const patience = 30 * time.Second

// fixture is a proxy whose configuration is a file that tests rewrite.
type fixture struct {
	*Server
	t      *testing.T
	file   string
	token  string // of the admin door
	output *logged
	served chan error
	cancel context.CancelFunc
	hangup chan struct{}
}

const fixtureToken = "open sesame"

// serveFile starts a proxy on a file, and an admin door with a token, and waits until it is ready.
func serveFile(t *testing.T, toml string) *fixture {
	t.Helper()
	f := &fixture{t: t, file: filepath.Join(t.TempDir(), "proxy.toml"), output: &logged{}, served: make(chan error, 1), hangup: make(chan struct{}, 1)}
	f.token = filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(f.token, []byte(fixtureToken+"\n"), 0o600))
	f.write(toml)
	load := func() (*config.Config, error) { return config.Load(config.Sources{File: f.file}) }
	cfg, err := load()
	require.NoError(t, err)
	level := new(slog.LevelVar)
	require.NoError(t, level.UnmarshalText([]byte(cfg.Log.Level)))
	f.Server, err = Start(cfg, slog.New(slog.NewTextHandler(f.output, &slog.HandlerOptions{Level: level})), WithReload(load, level, f.hangup), withFaults)
	require.NoError(t, err)
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	go func() { f.served <- f.Serve(ctx, nil) }()
	t.Cleanup(f.end)
	f.await(f.Ready, "ready")
	return f
}

// withFaults has the actors of a server panic when a test tells them to.
func withFaults(s *Server) { s.faults = true }

// end cancels the proxy without a long drain and waits for it.
func (f *fixture) end() {
	f.cancel()
	select {
	case err := <-f.served:
		require.NoError(f.t, err)
	case <-time.After(patience):
		f.t.Error("the proxy does not end")
	}
}

// write makes the file: what every test has, and then the test's own.
func (f *fixture) write(toml string) {
	f.t.Helper()
	head := "drain_timeout = '1m'\nadmin = { address = '127.0.0.1:0', token_file = '" + f.token + "' }\n"
	if strings.Contains(toml, "drain_timeout") {
		head = strings.TrimPrefix(head, "drain_timeout = '1m'\n")
	}
	require.NoError(f.t, os.WriteFile(f.file, []byte(head+toml), 0o600))
}

// change rewrites the file and reloads.
func (f *fixture) change(toml string) *Reloaded {
	f.t.Helper()
	f.write(toml)
	result, err := f.Reload()
	require.NoError(f.t, err)
	return result
}

// await polls until something is so.
func (f *fixture) await(so func() bool, what string) {
	f.t.Helper()
	require.Eventually(f.t, so, patience, time.Millisecond, "%s; log:\n%s", what, f.output)
}

// request asks the admin door; with a token when it is not empty.
func (f *fixture) request(method, path, token string) (status int, body string) {
	f.t.Helper()
	r, err := http.NewRequest(method, "http://"+f.AdminAddr()+path, nil)
	require.NoError(f.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(f.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(f.t, err)
	return answer.StatusCode, string(text)
}

// has tells whether an actor lives whose id ends so.
func (f *fixture) has(actor string) bool {
	for _, id := range f.proxy.Live("proxy/" + actor) {
		if id == "proxy/"+actor {
			return true
		}
	}
	return false
}

// rocketMQ starts an embedded cluster with a topic.
func rocketMQ(t *testing.T, o embedded.Options) *embedded.Cluster {
	t.Helper()
	cl, err := embedded.Start(o)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, cl.CreateTopic("News", 4))
	return cl
}

// A cluster and a listener as tables of the file.
func clusterTable(name string, servers ...string) string {
	return "[[cluster]]\nname = '" + name + "'\nname_servers = ['" + strings.Join(servers, "', '") + "']\n"
}

// listenerTable has any free ports for brokers; more overrides and adds keys.
func listenerTable(name, address, more string) string {
	table := "[[listener]]\nname = '" + name + "'\naddress = '" + address + "'\nvip_channel = false\n"
	if !strings.Contains(more, "broker_ports") {
		table += "broker_ports = 0\n"
	}
	return table + more + "\n"
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := freeport.Range(1)
	require.NoError(t, err)
	return freeport.Loopback(port)
}

// client is one connection of a RocketMQ client.
type client struct {
	t       *testing.T
	conn    net.Conn
	version int32
	opaque  int32
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, conn: conn, version: codec.Version5_5_0}
}

func (c *client) write(code int32, ext map[string]string, body []byte) error {
	return c.put(code, 0, ext, body)
}

func (c *client) put(code, flag int32, ext map[string]string, body []byte) error {
	c.opaque++
	q := codec.Command{Code: code, Flag: flag, Language: codec.Java, Version: c.version, Opaque: c.opaque, Ext: ext, Body: body}
	c.conn.SetDeadline(time.Now().Add(patience))
	_, err := c.conn.Write(q.Append(nil, codec.JSON))
	return err
}

func (c *client) read() (*codec.Command, error) {
	answer, _, err := codec.ReadCommand(c.conn, codec.Limits{})
	return answer, err
}

func (c *client) call(code int32, ext map[string]string, body []byte) (*codec.Command, error) {
	if err := c.write(code, ext, body); err != nil {
		return nil, err
	}
	return c.read()
}

var sendExt = map[string]string{"a": "g", "b": "News", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "0", "h": "0", "i": "", "j": "0", "k": "false", "m": "false"}

func (c *client) startSend(body string) {
	require.NoError(c.t, c.write(codec.ReqSendMessageV2, sendExt, []byte(body)))
}

func (c *client) send(body string) (*codec.Command, error) {
	return c.call(codec.ReqSendMessageV2, sendExt, []byte(body))
}

// mustSend sends and wants success.
func (c *client) mustSend(body string) *codec.Command {
	c.t.Helper()
	answer, err := c.send(body)
	require.NoError(c.t, err)
	require.Equal(c.t, codec.ResSuccess, answer.Code, answer.Remark)
	return answer
}

// brokers asks for a topic's route and returns the addresses by broker name.
func (c *client) brokers(topic string) map[string]string {
	c.t.Helper()
	answer, err := c.call(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": topic}, nil)
	require.NoError(c.t, err)
	require.Equal(c.t, codec.ResSuccess, answer.Code, answer.Remark)
	list, err := rewrite.TopicRouteBrokers(answer.Body)
	require.NoError(c.t, err)
	addresses := map[string]string{}
	for _, b := range list {
		addresses[b.Name] = b.Address
	}
	return addresses
}

// ends waits for the end of the connection.
func (c *client) ends() {
	c.t.Helper()
	c.conn.SetDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, c.conn)
	var ne net.Error
	if errors.As(err, &ne) {
		require.False(c.t, ne.Timeout(), "the connection stays open")
	}
}

// toBroker dials the port of a broker behind a listener.
func (f *fixture) toBroker(listener, broker string) *client {
	f.t.Helper()
	return dial(f.t, dial(f.t, f.Addr(listener)).brokers("News")[broker])
}
