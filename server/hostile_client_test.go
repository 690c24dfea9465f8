package server

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// lying makes a prefix that says what it likes, and bytes behind it.
func lying(total int32, mark uint32, rest string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(total))
	return string(binary.BigEndian.AppendUint32(b, mark)) + rest
}

// header makes a frame of a JSON header.
func header(json string) string { return lying(int32(4+len(json)), uint32(len(json)), json) }

// tlsHello is what a TLS client says first.
func tlsHello(t *testing.T) string {
	ours, theirs := net.Pipe()
	go func() {
		c := tls.Client(theirs, &tls.Config{InsecureSkipVerify: true})
		c.Handshake()
		theirs.Close()
	}()
	b := make([]byte, 64<<10)
	n, err := ours.Read(b)
	require.NoError(t, err)
	ours.Close()
	return string(b[:n])
}

// unreadable is what closes a connection, from either side.
func unreadable(t *testing.T) map[string]string {
	deep := strings.Repeat("[", 100_000)
	return map[string]string{
		"length 0":             lying(0, 0, ""),
		"negative length":      lying(-1, 2, "{}"),
		"least length":         lying(-1<<31, 2, "{}"),
		"greatest length":      lying(1<<31-1, 2, "{}"),
		"over max_frame":       lying(16<<20+1, 2, "{}"),
		"over max_header":      lying(8<<20, 1<<20+1, "{"),
		"header over frame":    lying(20, 1000, "{}"),
		"greatest header":      lying(20, 0xffffff, "{}"),
		"unknown encoding":     lying(20, 9<<24|2, "{}"),
		"no JSON":              header("nonsense"),
		"cut JSON":             header(`{"code":200,"opaque":`),
		"empty header":         header(""),
		"text for a code":      header(`{"code":"ten"}`),
		"deep unknown key":     header(`{"code":200,"x":` + deep + `}`),
		"deep and closed":      header(`{"code":200,"x":` + deep + strings.Repeat("]", 100_000) + `}`),
		"deep ext fields":      header(`{"code":200,"extFields":` + strings.Repeat(`{"a":`, 100_000)),
		"short ROCKETMQ":       lying(9, 1<<24|5, "12345"),
		"ROCKETMQ remark lies": lying(25, 1<<24|21, strings.Repeat("\x00", 13)+"\x7f\xff\xff\xff\x00\x00\x00\x00"),
		"ROCKETMQ ext lies":    lying(25, 1<<24|21, strings.Repeat("\x00", 17)+"\x00\x00\x00\x09"),
		"HTTP":                 "GET / HTTP/1.1\r\nHost: mq\r\n\r\n",
		"TLS hello":            tlsHello(t),
		"PROXY v1":             "PROXY TCP4 10.1.2.3 10.1.2.4 1000 9876\r\n",
		"PROXY v2":             "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x0a\x01\x02\x03\x0a\x01\x02\x04\x03\xe8\x26\x94",
		// Brokers of the two lines read these differently (VERIFIED.md 10c).
		"code twice":        header(`{"code":200,"code":10,"opaque":1}`),
		"opaque twice":      header(`{"code":200,"opaque":1,"opaque":2}`),
		"flag twice":        header(`{"code":200,"flag":2,"flag":0}`),
		"ext fields twice":  header(`{"code":200,"extFields":{"a":"1"},"extFields":{"a":"2"}}`),
		"language twice":    header(`{"code":200,"language":"JAVA","language":"GO"}`),
		"version twice":     header(`{"code":200,"version":1,"version":2}`),
		"remark twice":      header(`{"code":200,"remark":"a","remark":"b"}`),
		"code in capitals":  header(`{"CODE":200,"opaque":1}`),
		"mixed case opaque": header(`{"code":200,"Opaque":1}`),
		"ext in other case": header(`{"code":200,"extfields":{"a":"1"}}`),
		"code by an escape": header(`{"code":200,"c\u006fde":10}`),
	}
}

// What cannot be read closes its connection, is counted once, and not one byte of it gets to a broker or name server.
func TestUnreadableClients(t *testing.T) {
	s := newStage(t, "")
	n := 0
	for name, port := range map[string]string{"broker": s.place("liar"), "name server": s.Addr("office")} {
		for what, bytes := range unreadable(t) {
			t.Run(name+"/"+what, func(t *testing.T) {
				c := dial(t, port)
				c.Conn.Write([]byte(bytes)) // may fail half way: the proxy need not read it all
				c.Ends()
				n++
				s.errors(n, 0)
			})
		}
	}
	require.Zero(t, s.liar.Received(), "the broker got some of it")
	require.Zero(t, s.strange.Load(), "the name server got some of it")
	s.unharmed()
}

// However good frames are cut, they are served; a thousand of them in one write, too.
func TestFramesInAnyPieces(t *testing.T) {
	s := newStage(t, "")
	q := codec.Command{Code: codec.ReqSendMessageV2, Version: codec.Version5_5_0, Ext: sendExt, Body: []byte("body")}
	pieces := dial(t, s.place("liar"))
	for _, b := range q.Append(nil, codec.Binary) {
		_, err := pieces.Conn.Write([]byte{b})
		require.NoError(t, err)
	}
	a := pieces.Next()
	require.Equal(t, codec.ResSuccess, a.Code)

	var all []byte
	for q.Opaque = range int32(1000) {
		all = q.Append(all, codec.JSON)
	}
	go pieces.Conn.Write(all)
	for i := range int32(1000) {
		a := pieces.Next()
		require.Equal(t, i, a.Opaque)
	}
	pieces.Conn.Close()
	s.errors(0, 0)
	s.unharmed()
}

// Equal opaques are each answered, and answers to nothing pass by.
func TestDuplicateOpaquesAndAnswersOfClients(t *testing.T) {
	s := newStage(t, "")
	c := dial(t, s.place("liar"))
	stray := codec.Command{Code: 0, Flag: codec.FlagResponse, Opaque: 77}
	c.Conn.Write(stray.Append(nil, codec.JSON))
	var all []byte // in one go, so that they wait together
	for range 20 {
		q := codec.Command{Code: codec.ReqSendMessageV2, Opaque: 6, Ext: sendExt}
		all = q.Append(all, codec.JSON)
	}
	c.Conn.Write(all)
	for i := range 21 { // the puppet answers the stray one as well
		a, err := c.TryNext()
		require.NoError(t, err, i)
		require.Contains(t, []int32{6, 77}, a.Opaque)
	}
	c.Conn.Close()
	s.errors(0, 0)
	s.unharmed()
}

// A request that is cut anywhere never reaches the broker as if it were whole.
func TestClientsCutInTheMiddleOfAFrame(t *testing.T) {
	s := newStage(t, "")
	whole := make(chan *codec.Command, 100)
	ended := make(chan error, 100)
	s.liar.Plays(func(c net.Conn) {
		q, _, err := codec.ReadCommand(c, codec.Limits{})
		if err == nil {
			whole <- q
		}
		ended <- err
	})
	q := codec.Command{Code: codec.ReqSendMessageV2, Ext: sendExt, Body: make([]byte, 100_000)}
	frame := q.Append(nil, codec.JSON)
	place := s.place("liar")
	for _, end := range []func(net.Conn){proxytest.Reset, func(c net.Conn) { c.Close() }, func(c net.Conn) { c.(*net.TCPConn).CloseWrite() }} {
		for _, cut := range []int{1, 7, 8, 50, 1000, 50_000, len(frame) - 1} {
			before := s.liar.Received()
			c := dial(t, place)
			_, err := c.Conn.Write(frame[:cut])
			require.NoError(t, err)
			if cut >= 1000 { // the header is whole, and the bytes go on
				s.await(func() bool { return s.liar.Received() > before }, "the broker gets the beginning")
			}
			end(c.Conn)
			if cut >= 1000 {
				select {
				case err := <-ended:
					require.Error(t, err)
				case <-time.After(patience):
					t.Fatal("the broker's connection stays open")
				}
			}
		}
	}
	require.Empty(t, whole)
	s.errors(0, 0) // a cut is not a decoding error
	s.unharmed()
}
