package stats

import (
	"errors"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
)

// looksUnknown is what malformed frames look like that look like no protocol.
const looksUnknown = "unknown"

// looks are all values of the label looks_like.
var looks = []string{
	codec.LooksLikeTLS, codec.LooksLikeHTTP, codec.LooksLikeGRPC, codec.LooksLikeProxy, codec.LooksLikeSSH,
	codec.LooksLikeRedis, codec.LooksLikeAMQP, codec.LooksLikeMQTT, codec.LooksLikePostgreSQL, codec.LooksLikeText, looksUnknown,
}

func malformedName(looks string) string {
	return exposition.Name("rocketmq_proxy_malformed_frames_total", "looks_like", looks)
}

// Malformed counts what a client or an upstream sent instead of a frame, by what it looks like, which it returns for the
// log. err is about the bytes of the peer; of which type is the codec's affair.
func (r *Rejections) Malformed(err error) (looksLike string) {
	looksLike = looksUnknown
	if e := (*codec.FrameError)(nil); errors.As(err, &e) && e.LooksLike != "" {
		looksLike = e.LooksLike
	}
	r.Set.GetOrCreateCounter(malformedName(looksLike)).Inc()
	return looksLike
}
