//go:build linux

package load

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Input is what a hostile client could send to make each byte expensive, beside harmless traffic of the same size in
// writes of the same size.
type Input struct {
	Name     string
	What     string
	Proxied  bool // each connection begins with a PROXY protocol header
	hostile  stream
	harmless stream
}

// stream is what one connection sends.
type stream struct {
	frames []byte // again and again
	piece  int    // bytes of each write; 0: all at once
	once   bool   // frames are sent once, then comes the next connection
}

// Inputs are all of them. Each stream of a pair has about the same bytes per round.
func Inputs() []Input {
	const size = 64 << 10
	return []Input{
		{
			Name: "dribble", What: "a header of 64 KiB in writes of 64 bytes, beside sends of 1 KiB in such writes",
			hostile:  stream{frames: jsonFrame(member("i", strings.Repeat("v", size)), "", 1), piece: 64},
			harmless: stream{frames: sends(size, messageHeader), piece: 64},
		},
		{
			Name: "escapes", What: "keys and values of the header written as \\u0061, beside the same length without escapes",
			hostile:  stream{frames: repeat(size, func(i int) []byte { return jsonFrame(escapedMembers(true), "", i) })},
			harmless: stream{frames: repeat(size, func(i int) []byte { return jsonFrame(escapedMembers(false), "", i) })},
		},
		{
			Name: "opaque", What: "sends with one opaque for all of them, beside different ones",
			hostile:  stream{frames: repeat(size, func(int) []byte { return jsonFrame(messageHeader, "body", 7) })},
			harmless: stream{frames: repeat(size, func(i int) []byte { return jsonFrame(messageHeader, "body", i) })},
		},
		{
			Name: "tiny", What: "frames of 10 bytes, beside sends of 1 KiB",
			hostile:  stream{frames: repeat(size, func(int) []byte { return rawFrame("{}", "") })},
			harmless: stream{frames: sends(size, messageHeader)},
		},
		{
			Name: "heartbeat", What: "heartbeats with 1,000 groups, beside those with one group and as many bytes",
			hostile:  stream{frames: heartbeat(1000, "*")},
			harmless: stream{frames: heartbeat(1, strings.Repeat("t", len(heartbeat(1000, "*"))-len(heartbeat(1, ""))))},
		},
		{
			Name: "members", What: "a header of 4,000 members, beside one member of the same length",
			hostile:  stream{frames: jsonFrame(manyMembers(4000), "", 1)},
			harmless: stream{frames: jsonFrame(member("i", strings.Repeat("v", len(manyMembers(4000)))), "", 1)},
		},
		{
			Name: "proxy", What: "connections with a PROXY header of 1,000 TLVs in writes of 64 bytes, beside a short one and as many bytes of sends",
			Proxied:  true,
			hostile:  stream{frames: proxyHeader(1000), piece: 64, once: true},
			harmless: stream{frames: slices.Concat(proxyHeader(0), sends(3<<10, messageHeader)), piece: 64, once: true},
		},
	}
}

// messageHeader are the fields of a send.
var messageHeader = func() string {
	fields := sendFields(shortSend)
	var text []string
	for _, k := range shortSend {
		text = append(text, member(k, strings.ReplaceAll(strings.ReplaceAll(fields[k], "\x01", `\u0001`), "\x02", `\u0002`)))
	}
	return strings.Join(text, ",")
}()

func member(key, value string) string { return `"` + key + `":"` + value + `"` }

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(member(fmt.Sprintf("k%06d", i), "v"))
	}
	return b.String()
}

// escapedMembers are the fields of a send of which each character is six: an escape, or six letters.
func escapedMembers(escape bool) string {
	long := func(text string) string {
		var b strings.Builder
		for i := range len(text) {
			if escape {
				fmt.Fprintf(&b, `\u%04x`, text[i])
			} else {
				b.WriteString(strings.Repeat("v", 6))
			}
		}
		return b.String()
	}
	var text []string
	for i := range 20 {
		text = append(text, member(long(fmt.Sprintf("key%02d", i)), long("value")))
	}
	return strings.Join(text, ",")
}

// jsonFrame is a send with these members of extFields.
func jsonFrame(ext, body string, opaque int) []byte {
	header := fmt.Sprintf(`{"code":%d,"extFields":{%s},"flag":0,"language":"JAVA","opaque":%d,"serializeTypeCurrentRPC":"JSON","version":453}`,
		codec.ReqSendMessageV2, ext, opaque)
	return rawFrame(header, body)
}

func rawFrame(header, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(header)))
	return append(append(b, header...), body...)
}

// repeat puts frames one behind another until they have about so many bytes.
func repeat(size int, frame func(i int) []byte) (b []byte) {
	for i := 1; len(b) < size; i++ {
		b = append(b, frame(i)...)
	}
	return b
}

// sends are ordinary ones.
func sends(size int, header string) []byte {
	body := strings.Repeat("x", MessageSize)
	return repeat(size, func(i int) []byte { return jsonFrame(header, body, i) })
}

func heartbeat(groups int, expression string) []byte {
	var text []string
	for i := range groups {
		text = append(text, fmt.Sprintf(`{"groupName":"group-%06d","subscriptionDataSet":[{"subString":%q,"topic":"bench"}]}`, i, expression))
	}
	body := `{"clientID":"10.0.0.1@bench","consumerDataSet":[` + strings.Join(text, ",") + `],"producerDataSet":[]}`
	return rawFrame(fmt.Sprintf(`{"code":%d,"flag":0,"language":"JAVA","opaque":1,"version":453}`, codec.ReqHeartBeat), body)
}

// proxyHeader is version 2 of the protocol: a client's address, and so many empty TLVs of a type that is free for use.
func proxyHeader(tlvs int) []byte {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	b := append([]byte(signature), 0x21, 0x11) // PROXY, TCP over IPv4
	b = binary.BigEndian.AppendUint16(b, uint16(12+3*tlvs))
	b = append(b, 10, 0, 0, 1, 10, 0, 0, 2, 0x10, 0, 0x20, 0)
	for range tlvs {
		b = append(b, 0xe0, 0, 0)
	}
	return b
}
