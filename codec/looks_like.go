package codec

import "bytes"

// What bytes that are not a frame may look like (FrameError.LooksLike).
const (
	LooksLikeTLS        = "TLS"
	LooksLikeHTTP       = "HTTP"
	LooksLikeGRPC       = "gRPC (HTTP/2)"
	LooksLikeProxy      = "PROXY protocol"
	LooksLikeSSH        = "SSH"
	LooksLikeRedis      = "Redis"
	LooksLikeAMQP       = "AMQP"
	LooksLikeMQTT       = "MQTT"
	LooksLikePostgreSQL = "PostgreSQL"
	LooksLikeText       = "text"
)

// greetings are how peers of other protocols begin.
var greetings = []struct{ begin, protocol string }{
	{"PRI * HT", LooksLikeGRPC},
	{"PROXY ", LooksLikeProxy},
	{"\r\n\r\n\x00\r\nQ", LooksLikeProxy}, // version 2
	{"SSH-", LooksLikeSSH},
	{"AMQP", LooksLikeAMQP},
	{"GET ", LooksLikeHTTP},
	{"POST ", LooksLikeHTTP},
	{"PUT ", LooksLikeHTTP},
	{"HEAD ", LooksLikeHTTP},
	{"PATCH ", LooksLikeHTTP},
	{"DELETE ", LooksLikeHTTP},
	{"OPTIONS ", LooksLikeHTTP},
	{"CONNECT ", LooksLikeHTTP},
	{"HTTP/", LooksLikeHTTP},
}

// looksLike names the protocol that bytes look like, by the first eight of them; "" when they look like none.
func looksLike(b []byte) string {
	b = b[:min(len(b), PrefixLen)]
	for _, g := range greetings {
		if bytes.HasPrefix(b, []byte(g.begin)) {
			return g.protocol
		}
	}
	switch {
	case len(b) < PrefixLen:
		return ""
	case b[0] >= 20 && b[0] <= 23 && b[1] == 3 && b[2] <= 4: // a record: its type, version 3.x
		return LooksLikeTLS
	case b[0] == '*' && '1' <= b[1] && b[1] <= '9' && bytes.Contains(b, []byte("\r\n$")):
		return LooksLikeRedis
	case b[0] == 0x10 && bytes.HasPrefix(b[2:], []byte("\x00\x04MQTT")), b[0] == 0x10 && bytes.HasPrefix(b[2:], []byte("\x00\x06MQIs")):
		return LooksLikeMQTT
	case bytes.HasPrefix(b[4:], []byte{0, 3, 0, 0}) || bytes.Equal(b, []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}): // StartupMessage, SSLRequest
		return LooksLikePostgreSQL
	case isText(b):
		return LooksLikeText
	}
	return ""
}

func isText(b []byte) bool {
	for _, ch := range b {
		if (ch < ' ' || ch > '~') && ch != '\r' && ch != '\n' && ch != '\t' {
			return false
		}
	}
	return true
}
