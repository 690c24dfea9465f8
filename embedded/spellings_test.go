package embedded_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// spelling is a line of testdata/spellings.tsv.
type spelling struct {
	name  string
	frame []byte
	want  string // of a 5.5.0
}

func spellings(t *testing.T) []spelling {
	text, err := os.ReadFile("testdata/spellings.tsv")
	require.NoError(t, err)
	var all []spelling
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, column, 4, line)
		frame, err := hex.DecodeString(column[1])
		require.NoError(t, err)
		all = append(all, spelling{column[0], frame, column[2]})
	}
	require.Len(t, all, 123)
	return all
}

func TestServersReadEverySpellingAsARealOneDoes(t *testing.T) {
	ns := start(t, embedded.Options{}).NameServer(0)
	for _, s := range spellings(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			p := dial(t, ns.Addr())
			_, err := p.nc.Write(s.frame)
			require.NoError(t, err)
			require.Equal(t, s.want, p.outcome(s.frame))
		})
	}
}

// outcome tells what a server made of the frame just written. A frame of fewer than 12 bytes is not looked at before
// more has come: half a close then ends the connection without an answer, where else one would have come before.
func (p *peer) outcome(frame []byte) string {
	if len(frame) < 12 {
		require.NoError(p.t, p.nc.(*net.TCPConn).CloseWrite())
	}
	p.nc.SetReadDeadline(time.Now().Add(30 * time.Second))
	cmd, _, err := codec.ReadCommand(p.r, codec.Limits{})
	switch {
	case err == nil:
		return fmt.Sprintf("code %d", cmd.Code)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing for 30 s"
	case len(frame) < 12:
		return "silence"
	}
	return "closed"
}
