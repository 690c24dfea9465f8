package rewrite

import (
	"hash/maphash"
	"slices"
)

// HeartbeatWithout returns a copy of a full HEART_BEAT body without the groups that an UNREGISTER_CLIENT request names, each
// may be "". left is false when no group is left, or the body is malformed: there is nothing to replay then. A signed
// heartbeat cannot be changed; its caller has to keep it as it is, or to forget it.
func HeartbeatWithout(body []byte, producer, consumer string) (rest []byte, left bool) {
	b := newBody(body, "heartbeat")
	var e edits
	for _, key := range b.Members() {
		switch string(b.Contents(key)) {
		case "consumerDataSet":
			left = e.leave(b, consumer) || left
		case "producerDataSet":
			left = e.leave(b, producer) || left
		default:
			b.Value()
		}
	}
	if b.End(); b.Failed() || !left {
		return nil, false
	}
	return e.apply(body), true
}

// leave drops a group from the list that comes next, and reports whether others stay.
func (e *edits) leave(b *body, group string) (others bool) {
	var items []span
	var stays []bool
	for from := range b.elements() {
		name := b.groupName()
		items, stays = append(items, span{from, b.end()}), append(stays, group == "" || name != group)
	}
	e.drop(groups, len(items), func(i int) span { return items[i] }, func(i int) bool { return stays[i] })
	return slices.Contains(stays, true)
}

// groupName is that of the next group; of several keys the last one counts, as for fastjson.
func (b *body) groupName() (name string) {
	for _, key := range b.members() {
		if string(b.Contents(key)) == "groupName" {
			_, name = b.string()
		} else {
			b.Value()
		}
	}
	return name
}

var heartbeatSeed = maphash.MakeSeed()

// HeartbeatFingerprint is equal for heartbeats of equal bodies. A client sends the same one for each broker that it knows, all
// of which have the same address on a one-port listener.
func HeartbeatFingerprint(body []byte) uint64 { return maphash.Bytes(heartbeatSeed, body) }
