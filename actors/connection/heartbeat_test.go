package connection

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// beatOf is the heartbeat of a client that consumes in n groups.
func beatOf(id string, n int) []byte {
	var groups []string
	for i := range n {
		groups = append(groups, fmt.Sprintf(`{"groupName":"group-%d"}`, i))
	}
	return (&codec.Command{Code: codec.ReqHeartBeat, Body: fmt.Appendf(nil, `{"clientID":%q,"consumerDataSet":[%s]}`, id, strings.Join(groups, ","))}).Append(nil, codec.JSON)
}

// What is kept of a heartbeat beside its frame is bounded and counted; without room nothing stays but what kind of
// client it is.
func TestWhatIsKeptOfAHeartbeat(t *testing.T) {
	budget := func(n int) *env.Env {
		return env.New(&transport.Net{Budget: n}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { t.Error(why) })
	}
	held := func(e *env.Env) int { n, _ := e.Transport.Buffered(); return int(n) }
	keep := func(e *env.Env, frame []byte) *heartbeat {
		h := &heartbeat{arriving: &incomplete{size: len(frame)}}
		h.more(e, frame)
		return h
	}

	e := budget(0)
	h := keep(e, beatOf("10.0.0.1@app", 3))
	require.Equal(t, "10.0.0.1@app", h.clientID)
	require.Equal(t, []string{"group-0", "group-1", "group-2"}, h.groups)
	h.drop(e)
	require.Zero(t, held(e))

	frame := beatOf(strings.Repeat("ü", 300), 3000)
	h = keep(e, frame)
	require.Equal(t, strings.Repeat("ü", 126)+"…", h.clientID, "at most 256 bytes, whole characters, and marked as cut")
	require.Len(t, h.groups, 1000)
	require.Greater(t, held(e), len(frame)+1000*len("group-99"))

	e = budget(100_000)
	h = keep(e, beatOf("c", 3000))
	require.Nil(t, h.full)
	require.Nil(t, h.groups)
	require.True(t, h.consumer, "what is done when its broker is lost depends on it")
	require.Zero(t, held(e))
}

// What another process hands over as a heartbeat may be cut, or not be one.
func TestHeartbeatThatIsCutIsNotKept(t *testing.T) {
	whole := (&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"me","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[]}`)}).Append(nil, codec.JSON)
	for n := range whole {
		var h heartbeat
		h.learn(whole[:n])
		require.Nil(t, h.full, "%d bytes", n)
	}
	var h heartbeat
	h.learn(whole)
	require.Equal(t, whole, h.full)
	for i := range codec.PrefixLen {
		for _, b := range []byte{0, 1, 0x7f, 0xff} {
			wrong := append([]byte(nil), whole...)
			wrong[i] = b
			new(heartbeat).learn(wrong) // does not panic
		}
	}
}
