package harness

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// bypassChild makes this binary connect to the address in it, and keep the connection until its input ends.
const bypassChild = "HARNESS_CONNECT_TO"

func TestMain(m *testing.M) {
	address := os.Getenv(bypassChild)
	if address == "" {
		os.Exit(m.Run())
	}
	nc, err := net.Dial("tcp", address)
	if err != nil {
		os.Exit(1)
	}
	os.Stdout.WriteString("connected\n")
	_, _ = os.Stdin.Read(make([]byte, 1)) // ends with the input
	nc.Close()
}

// guardedListener is a server that no client may connect to.
func guardedListener(t *testing.T) net.Listener {
	t.Helper()
	t.Setenv("ROCKETMQ_DIRECT", "")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	GuardServer(t, t.Name(), ln.Addr().String())
	return ln
}

// bypassesOf looks once and returns what a process was seen to be connected to.
func bypassesOf(t *testing.T, pid int) []string {
	t.Helper()
	require.NoError(t, bypasses.look())
	seen, err := bypasses.take(pid)
	require.NoError(t, err)
	return seen
}

func TestAClientInAnotherProcessThatConnectsPastTheProxyIsSeen(t *testing.T) {
	ln := guardedListener(t)
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), bypassChild+"="+ln.Addr().String())
	p, in, out, err := StartTalking("child", t.TempDir()+"/log", cmd)
	require.NoError(t, err)
	defer p.Kill()
	defer out.Close()
	defer in.Close()
	bypasses.watch(p.cmd.Process.Pid) // WatchBypasses would fail this test
	_, err = out.Read(make([]byte, 20))
	require.NoError(t, err)
	require.Equal(t, []string{t.Name()}, bypassesOf(t, p.cmd.Process.Pid))
	require.Empty(t, bypassesOf(t, os.Getpid()))
}

func TestAClientInThisProcessThatConnectsPastTheProxyIsSeen(t *testing.T) {
	ln := guardedListener(t)
	nc, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	require.Equal(t, []string{t.Name()}, bypassesOf(t, os.Getpid()))
}

func TestTheHarnessMayConnectToServersItself(t *testing.T) {
	ln := guardedListener(t)
	dialer := ownDialer()
	nc, err := dialer.DialContext(t.Context(), "tcp", ln.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	require.Empty(t, bypassesOf(t, os.Getpid()))
}

func TestEveryServerOfAnEmbeddedClusterIsGuarded(t *testing.T) {
	t.Setenv("ROCKETMQ_DIRECT", "")
	c := OwnEmbedded(t, embedded.Options{VIPChannel: true})
	port, err := portOf(c.Brokers()[0].Addr())
	require.NoError(t, err)
	for _, address := range []string{c.NameServers()[0], c.Brokers()[0].Addr(), fmt.Sprintf("127.0.0.1:%d", port-2)} {
		nc, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer nc.Close()
	}
	require.Equal(t, []string{"embedded broker-a", "embedded broker-a (VIP)", "embedded name server"}, bypassesOf(t, os.Getpid()))
}
