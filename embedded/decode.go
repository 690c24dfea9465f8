package embedded

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// The servers read frames with a decoder of their own, not with codec's: what codec's scanner gets wrong would else be
// wrong on both sides of every test. It takes what RocketMQ 5.5.0 takes, which is more than the proxy lets through; the
// recorded answers of a real one are in testdata/spellings.tsv.

// maxFrame is the longest frame that a server takes (NettyDecoder.java#FRAME_MAX_LENGTH).
const maxFrame = 16 << 20

// firstBytes is how much a server waits for on a new connection before it looks at anything: it may be a PROXY header
// (NettyRemotingServer.java#HandshakeHandler).
const firstBytes = 12

// readCommand reads one frame. An error means that the connection is of no more use.
func readCommand(r io.Reader) (*codec.Command, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > maxFrame {
		return nil, fmt.Errorf("cannot read a frame of %d bytes: the length must be from 4 to %d", n, maxFrame)
	}
	frame := make([]byte, n)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	mark := binary.BigEndian.Uint32(frame)
	header, rest := int(mark&0xFFFFFF), frame[4:]
	if header > len(rest) {
		return nil, fmt.Errorf("cannot read a header of %d bytes in a frame of %d", header, n)
	}
	cmd, err := decodeHeader(byte(mark>>24), rest[:header])
	if err != nil {
		return nil, err
	}
	cmd.Body = rest[header:]
	return cmd, nil
}

// decodeHeader reads a header in the encoding that the first byte of a frame's mark names (SerializeType.java).
func decodeHeader(encoding byte, header []byte) (*codec.Command, error) {
	switch encoding {
	case 0:
		return decodeJSONHeader(header)
	case 1:
		return decodeBinaryHeader(header)
	}
	return nil, fmt.Errorf("cannot read a header of serialize type %d: only 0 and 1 are known", encoding)
}

// waitFirst waits for the first bytes of a connection.
func waitFirst(r *bufio.Reader) error {
	_, err := r.Peek(firstBytes)
	return err
}

var errBinaryHeader = errors.New("cannot read the ROCKETMQ header: a length leads past its end")

// binaryReader reads the fields of a ROCKETMQ header one after the other (RocketMQSerializable.java#rocketMQProtocolDecode).
type binaryReader struct {
	rest []byte
	err  error
}

func (r *binaryReader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.rest) {
		r.err = errBinaryHeader
		return make([]byte, 4) // zeros for the number that the caller wants
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *binaryReader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) }
func (r *binaryReader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }

// decodeBinaryHeader reads a ROCKETMQ header. A negative length of the ext fields means none, an ext length that ends
// inside a value is ignored, and bytes behind the ext fields are as well; of a key twice the last counts, and an empty
// value is null.
func decodeBinaryHeader(header []byte) (*codec.Command, error) {
	r := &binaryReader{rest: header}
	cmd := &codec.Command{Code: int32(r.int16())}
	cmd.Language = codec.Language(r.take(1)[0])
	cmd.Version, cmd.Opaque, cmd.Flag = int32(r.int16()), r.int32(), r.int32()
	cmd.Remark = string(r.take(int(r.int32())))
	extLen := int(r.int32())
	for end := len(r.rest) - extLen; r.err == nil && extLen > 0 && len(r.rest) > end; {
		if cmd.Ext == nil {
			cmd.Ext = make(map[string]string)
		}
		key := string(r.take(int(r.int16())))
		if value := r.take(int(r.int32())); len(value) > 0 {
			cmd.Ext[key] = string(value)
		} else {
			delete(cmd.Ext, key)
		}
	}
	return cmd, r.err
}
