package translate

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// zlibOf returns a body that is labeled GZIP as remoting consumers read it, in zlib. The C++ SDK labels zlib so; what is
// really gzip has to be packed again.
func zlibOf(body []byte) ([]byte, error) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	plain, err := readAll(r, maxInflated)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(plain) // a Buffer takes everything
	w.Close()
	return packed.Bytes(), nil
}

// maxInflated bounds, in bytes, what a compressed body may grow to in the proxy.
const maxInflated = 8 << 20

// readAll is io.ReadAll with a bound.
func readAll(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	return b, err
}

// checkDigest compares a body with its digest, if there is one. SDKs write the same number in different ways.
func checkDigest(d *pb.Digest, body []byte) error {
	said := d.GetChecksum()
	if said == "" {
		return nil
	}
	ok := true
	switch d.GetType() {
	case pb.DigestType_DIGEST_TYPE_UNSPECIFIED: // nothing to compare with
	case pb.DigestType_CRC32:
		ok = isCRC(said, crc32.ChecksumIEEE(body))
	case pb.DigestType_MD5:
		sum := md5.Sum(body)
		ok = strings.EqualFold(said, hex.EncodeToString(sum[:]))
	case pb.DigestType_SHA1:
		sum := sha1.Sum(body)
		ok = strings.EqualFold(said, hex.EncodeToString(sum[:]))
	}
	if !ok {
		return refuse(pb.Code_MESSAGE_CORRUPTED, "the body is not what its %v digest says", d.GetType())
	}
	return nil
}

// isCRC takes hexadecimal digits, padded or not, and decimal ones, as Node writes them.
func isCRC(said string, sum uint32) bool {
	n, err := strconv.ParseUint(said, 16, 64)
	if err == nil && n == uint64(sum) {
		return true
	}
	n, err = strconv.ParseUint(said, 10, 64)
	return err == nil && n == uint64(sum)
}

// digestOf is the only digest that all SDKs compare alike.
func digestOf(body []byte) *pb.Digest {
	sum := md5.Sum(body)
	return &pb.Digest{Type: pb.DigestType_MD5, Checksum: strings.ToUpper(hex.EncodeToString(sum[:]))}
}
