package system

import (
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	cmap "github.com/orcaman/concurrent-map"
)

// All that leans on exported internals of protoactor is in this file, and in the one case of mailbox.PostSystemMessage
// that answers a mailboxQuery. registry_test.go fails when an upgrade changes them.

// registryBuckets is how many maps the process table has, each with a lock of its own.
const registryBuckets = 128

// oneShard makes each of the library's concurrent maps one map instead of 32. Its process table has 1024 of them: 2.8 MB
// and 66,000 objects of a process that has just begun, and a cache miss for each new id.
var _ = oneShard()

func oneShard() bool {
	cmap.SHARD_COUNT = 1
	return true
}

// shrinkRegistry replaces the library's process table by a smaller one. It must come before anything is spawned by others.
func shrinkRegistry(s *actor.ActorSystem) {
	old := s.ProcessRegistry.LocalPIDs.LocalPIDs
	fresh := make([]cmap.ConcurrentMap, registryBuckets)
	for i := range fresh {
		fresh[i] = cmap.New()
	}
	s.ProcessRegistry.LocalPIDs.LocalPIDs = fresh
	for _, m := range old {
		for k, v := range m.Items() {
			s.ProcessRegistry.LocalPIDs.GetBucket(k).Set(k, v)
		}
	}
}

// Actors lists the ids of all live actors below prefix, in no order.
func (r *Runtime) Actors(prefix string) []string {
	var ids []string
	for _, m := range r.System.ProcessRegistry.LocalPIDs.LocalPIDs {
		for _, id := range m.Keys() {
			if strings.HasPrefix(id, prefix) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// mailboxQuery asks a mailbox of ours for itself: the library keeps it to itself.
type mailboxQuery struct{ mailbox *mailbox }

// mailboxOf is the mailbox of an actor; nil when it has ended.
func mailboxOf(system *actor.ActorSystem, pid *actor.PID) *mailbox {
	process, _ := system.ProcessRegistry.Get(pid)
	q := &mailboxQuery{}
	process.SendSystemMessage(pid, q)
	return q.mailbox
}
