package rewrite

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// Dialect says how integers in key position are written.
type Dialect int

// The two dialects of name servers.
const (
	Quoted   Dialect = iota // {"0":"10.0.0.1:10911"}, standard JSON
	Unquoted                // {0:"10.0.0.1:10911"}, what fastjson writes by default
)

// DialectFor is the dialect in which a name server answers a 105 of this header version; acceptStandardJSONOnly is
// the request's ext field of that name (ClientRequestProcessor.java#getRouteInfoByTopic).
func DialectFor(version int32, acceptStandardJSONOnly bool) Dialect {
	if acceptStandardJSONOnly || version >= codec.Version4_9_4 {
		return Quoted
	}
	return Unquoted
}
