package system

import (
	"log/slog"
	"slices"
	"strconv"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
)

func newTestRuntime(t *testing.T) *Runtime {
	r := NewRuntime(slog.New(slog.DiscardHandler), func(why error) { t.Error(why) })
	t.Cleanup(r.Shutdown)
	return r
}

// What the library makes is what shrinkRegistry replaces: a table that an upgrade has made smaller, or of another kind,
// needs no replacement.
func TestRegistryOfTheLibraryIsTheOneThatIsShrunk(t *testing.T) {
	s := actor.NewActorSystem()
	defer s.Shutdown()
	require.Len(t, s.ProcessRegistry.LocalPIDs.LocalPIDs, 1024)
	require.Len(t, s.ProcessRegistry.LocalPIDs.LocalPIDs[0], 1, "shards of each")
	before := registered(s)
	require.NotEmpty(t, before, "the library has processes of its own")
	shrinkRegistry(s)
	require.Len(t, s.ProcessRegistry.LocalPIDs.LocalPIDs, registryBuckets)
	require.Equal(t, before, registered(s), "none is lost")
	for _, id := range before {
		_, found := s.ProcessRegistry.Get(s.NewLocalPID(id))
		require.True(t, found, id)
	}
}

func registered(s *actor.ActorSystem) []string {
	ids := (&Runtime{System: s}).Actors("")
	slices.Sort(ids)
	return ids
}

// Every actor is found by its id and listed below its parent, as long as it lives.
func TestShrunkRegistryFindsAllActors(t *testing.T) {
	r := newTestRuntime(t)
	props := r.Props(func() actor.Actor { return &idle{} }, nil, nil)
	var ids []string
	for i := range 300 {
		pid, err := r.System.Root.SpawnNamed(props, "many/"+strconv.Itoa(i))
		require.NoError(t, err)
		ids = append(ids, pid.Id)
	}
	require.ElementsMatch(t, ids, r.Actors("many/"))
	require.Empty(t, r.Actors("more/"))
	for _, id := range ids {
		require.NotNil(t, mailboxOf(r.System, r.System.NewLocalPID(id)), id)
	}
	for _, id := range ids {
		require.NoError(t, r.System.Root.StopFuture(r.System.NewLocalPID(id)).Wait())
	}
	require.Empty(t, r.Actors("many/"))
}

// A mailbox says which it is without its actor taking part; the process of an ended actor has none.
func TestMailboxIsFoundByItsActor(t *testing.T) {
	r := newTestRuntime(t)
	pid := r.System.Root.Spawn(r.Props(func() actor.Actor { return &idle{} }, Inline, nil))
	m := mailboxOf(r.System, pid)
	require.NotNil(t, m)
	require.True(t, m.inline)
	require.Same(t, m, mailboxOf(r.System, pid))
	require.NoError(t, r.System.Root.StopFuture(pid).Wait())
	require.Nil(t, mailboxOf(r.System, pid))
}

// idle is an actor that does nothing.
type idle struct{}

func (*idle) Receive(actor.Context) {}
