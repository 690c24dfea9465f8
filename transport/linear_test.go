package transport

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/linear"
)

// Twice as long a PROXY header is twice the work, also when it comes byte by byte; a v1 header ends at 107 bytes, whatever
// follows.
func TestWorkPerProxyHeaderIsLinear(t *testing.T) {
	read := func(header []byte) error {
		_, err := readProxyHeader(bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(header)), handshakeBuffer))
		return err
	}
	t.Run("v2", func(t *testing.T) {
		linear.Require(t, 60, func(n int) func() { // 4 kB at most are read
			header := v2(1, 0x11, append(bytes.Clone(block4), bytes.Repeat([]byte{4, 0, 1, 0}, n)...)...)
			return func() { require.NoError(t, read(header)) }
		})
	})
	for name, header := range map[string]string{"v1": "PROXY TCP4 ", "v2 in part": "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff"} {
		t.Run(name, func(t *testing.T) {
			linear.Require(t, 1000, func(n int) func() {
				header := []byte(header + strings.Repeat("1", n))
				return func() { require.Error(t, read(header)) }
			})
		})
	}
}

// Twice as many frames are twice the work, however the stream is cut: here after each byte, and in each transport.
func TestWorkPerChunkIsLinear(t *testing.T) {
	c := codec.Command{Code: 10, Remark: "r", Body: []byte("body")}
	frame := c.Append(nil, codec.JSON)
	for name, connect := range dribblers(t) {
		t.Run(name, func(t *testing.T) {
			linear.Steps(t, 50, func(n int) func() {
				d, stream := connect(), bytes.Repeat(frame, n)
				return func() {
					frames := 0
					for _, b := range stream {
						d.feed(b)
						for _, ch := range d.chunks {
							frames += len(ch.Frames)
							ch.Release()
						}
						d.chunks = d.chunks[:0]
					}
					require.Equal(t, n, frames)
				}
			})
		})
	}
}
