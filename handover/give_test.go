package handover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// successorOf finds the successor of a predecessor that has let its path go.
func successorOf(t *testing.T, path string) *Successor {
	t.Helper()
	e := &Endpoint{path: path, id: "predecessor", done: make(chan struct{})}
	s, err := e.Successor(t.Context())
	require.NoError(t, err)
	require.NotNil(t, s)
	t.Cleanup(s.Close)
	return s
}

// A connection goes over in three steps; one that is refused stays where it is, and the next one goes over.
func TestAConnectionIsGiven(t *testing.T) {
	path := newPath(t)
	successor := serve(t, path, &fakeProxy{refuses: "other"})
	s := successorOf(t, path)
	require.Equal(t, os.Getpid(), s.PID)

	p, client := parcel(t, "other")
	outcome, refused, err := s.Give(p)
	require.NoError(t, err)
	require.Equal(t, messages.HandOverRefused, outcome)
	require.Equal(t, "there is no listener other", refused)
	owned(t, client)
	closeFD(p.Client)
	gone(t, client)

	p, client = parcel(t, "main")
	p.Upstreams = []int{duplicate(t, p.Client)}
	outcome, refused, err = s.Give(p)
	require.NoError(t, err)
	require.Equal(t, messages.HandedOver, outcome)
	require.Empty(t, refused)
	require.Eventually(t, func() bool { return successor.proxy.count() == 1 }, patience, time.Millisecond)
	owned(t, client)
	require.Equal(t, []int{1}, successor.proxy.upstream)
	successor.proxy.sockets[0].Close()
	gone(t, client)
	s.Close()
	require.Eventually(t, func() bool { return len(successor.log.String()) > 0 }, patience, time.Millisecond)
	require.Contains(t, successor.log.String(), `msg="connections adopted" count=1 refused=1 listeners.main=1`)
}

// A successor that stands still is not given the connection: it has accepted it and never hears the word to start.
func TestAnOfferWithoutTheWordToStartIsNothing(t *testing.T) {
	path := newPath(t)
	successor := serve(t, path, &fakeProxy{})
	for _, next := range []func(c *conn){
		func(*conn) {},                          // the predecessor takes the connection back and goes
		func(c *conn) { _ = c.send(request{}) }, // it says something else
	} {
		c, hi := call(t, path)
		require.Equal(t, Version, hi.Version)
		p, client := parcel(t, "main")
		require.NoError(t, c.send(request{State: &p.State, Version: Version}, p.Client))
		var r reply
		_, err := c.receive(&r)
		require.NoError(t, err)
		require.Empty(t, r.Refused)
		require.Zero(t, successor.proxy.count(), "it is accepted, and not started")
		owned(t, client)
		next(c)
		c.close()
		closeFD(p.Client)
		gone(t, client) // the successor has closed its descriptor as well
	}
	require.Zero(t, successor.proxy.count())
}

// fakeSuccessor answers an offer as a test wants.
func fakeSuccessor(t *testing.T, version int, behave func(c *conn)) *Successor {
	t.Helper()
	path := newPath(t)
	ln, err := listenAt(path)
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		nc, err := ln.AcceptUnix()
		if err != nil {
			return
		}
		c := &conn{nc: nc}
		_ = c.send(hello{ID: "successor", PID: 1, Version: version})
		behave(c)
		c.close()
	}()
	return successorOf(t, path)
}

// When the answer to an offer does not come, the connection is the predecessor's: the word to start was never said.
func TestTheOwnerOfAConnectionWhoseOfferIsNotAnswered(t *testing.T) {
	for version := 1; version <= Version; version++ {
		s := fakeSuccessor(t, version, func(c *conn) {
			var r request
			fds, _ := c.receive(&r)
			closeAll(fds)
		})
		p, client := parcel(t, "main")
		outcome, _, err := s.Give(p)
		require.Error(t, err)
		require.Equal(t, messages.HandOverRefused, outcome, "version %d", version)
		owned(t, client)
		closeFD(p.Client)
		gone(t, client)
	}
}

// When the word to start may not have arrived, the predecessor closes its side.
func TestAWordToStartThatMayBeLostEndsTheConnection(t *testing.T) {
	closed := make(chan struct{})
	s := fakeSuccessor(t, 1, func(c *conn) {
		var r request
		fds, _ := c.receive(&r)
		closeAll(fds)
		_ = c.nc.CloseRead() // what comes now is refused
		_ = c.send(reply{})
		<-closed
	})
	defer close(closed)
	p, client := parcel(t, "main")
	outcome, _, err := s.Give(p)
	require.ErrorIs(t, err, syscall.EPIPE)
	require.Equal(t, messages.HandOverInDoubt, outcome)
	gone(t, client)
}

// Neighbors speak the lower version; beyond that only listening sockets are shared.
func TestVersionsOneApartUnderstandEachOther(t *testing.T) {
	for theirs, want := range map[int]int{1: 1, 2: 2, 3: 2} {
		version, ok := common(theirs)
		require.True(t, ok)
		require.Equal(t, want, version)
	}
	path := newPath(t)
	ln, err := listenAt(path)
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			nc, err := ln.AcceptUnix()
			if err != nil {
				return
			}
			_ = (&conn{nc: nc}).send(hello{ID: "successor", PID: 1, Version: Version + 2})
		}
	}()
	e := &Endpoint{path: path, id: "predecessor", done: make(chan struct{})}
	s, err := e.Successor(t.Context())
	require.Nil(t, s)
	require.EqualError(t, err, "it speaks version 4 of the hand-over protocol, and this proxy versions 1 to 3; upgrade in smaller steps to keep connections")

	path = newPath(t)
	successor := serve(t, path, &fakeProxy{})
	for _, version := range []int{0, 3} {
		c, _ := call(t, path)
		p, _ := parcel(t, "main")
		require.NoError(t, c.send(request{State: &p.State, Version: version}, p.Client))
		var r reply
		_, err = c.receive(&r)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("version %d of the hand-over protocol is unknown", version), r.Refused)
		closeFD(p.Client)
	}
	require.Zero(t, successor.proxy.count())
}

// A successor of version 1 knows nothing of links. No successor can take more sockets than come with one message.
func TestWhatCannotBeGivenStays(t *testing.T) {
	path := newPath(t)
	successor := serve(t, path, &fakeProxy{})
	s := successorOf(t, path)
	for version, want := range map[int]string{1: "version 1 of the hand-over protocol has no links", 2: ""} {
		s.version = version
		p, client := parcel(t, "main")
		p.State.Role, p.State.OnePort = messages.OnePort, &messages.OnePortState{Links: []messages.LinkState{{Connected: true}, {}, {Connected: true}}}
		p.Upstreams = []int{duplicate(t, p.Client), duplicate(t, p.Client)}
		outcome, refused, err := s.Give(p)
		require.NoError(t, err)
		require.Equal(t, want, refused)
		owned(t, client)
		if want != "" {
			require.Equal(t, messages.HandOverRefused, outcome)
			closeAll(append(p.Upstreams, p.Client))
		}
	}
	require.Eventually(t, func() bool { return successor.proxy.count() == 1 }, patience, time.Millisecond)
	require.Equal(t, []int{2}, successor.proxy.upstream)

	p, client := parcel(t, "main")
	p.Upstreams = make([]int, mostDescriptors)
	outcome, refused, err := s.Give(p)
	require.NoError(t, err)
	require.Equal(t, messages.HandOverRefused, outcome)
	require.Equal(t, "it has 201 sockets, and at most 200 can be handed over", refused)
	owned(t, client)
	closeFD(p.Client)
}

// Sockets that do not belong to what is said of a connection are refused, and so are links that it does not have.
func TestAnOfferAgreesWithItsSockets(t *testing.T) {
	path := newPath(t)
	serve(t, path, &fakeProxy{})
	c, _ := call(t, path)
	two := &messages.OnePortState{Links: []messages.LinkState{{Connected: true}, {}}}
	for refused, offer := range map[*messages.ConnectionState]int{
		{Role: messages.BrokerPort}:                                         3,
		{Role: messages.BrokerPort, Pending: []messages.Pending{{Link: 1}}}: 2,
		{Role: messages.BrokerPort, OnePort: two}:                           2,
		{Role: messages.OnePort}:                                            1,
		{Role: messages.OnePort, OnePort: two}:                              3,
		{Role: messages.OnePort, OnePort: &messages.OnePortState{Links: two.Links, Pushes: []messages.Push{{Link: 2}}}}: 2,
		{Role: messages.OneVIPPort, OnePort: two, Pending: []messages.Pending{{Link: 2}}}:                               2,
	} {
		p, _ := parcel(t, "main")
		var fds []int
		for range offer {
			fds = append(fds, p.Client)
		}
		require.NoError(t, c.send(request{State: refused, Version: Version}, fds...))
		var r reply
		_, err := c.receive(&r)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%d sockets came with it, which is not what its state says", offer), r.Refused)
		closeFD(p.Client)
	}
}

// Accepting goes on after the process was out of descriptors, and ends when the listener is closed.
func TestAcceptingGoesOnAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accepted, asked int
		start := time.Now()
		acceptAll(func() (*net.UnixConn, error) {
			asked++
			switch {
			case asked <= 20:
				return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
			case asked <= 22:
				return nil, nil
			}
			return nil, net.ErrClosed
		}, func(*net.UnixConn) { accepted++ })
		require.Equal(t, 2, accepted)
		require.Equal(t, 20*acceptPause, time.Since(start), "it rests after each failure")
	})
}

// A path whose directory was away is offered again, and that it was away is logged once.
func TestAPathIsOfferedAgainAfterItsDirectoryWasAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	require.NoError(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "s")
	e := serve(t, path, &fakeProxy{})
	require.NoError(t, os.Rename(dir, dir+".away"))
	require.Eventually(t, func() bool { return len(e.log.String()) > 0 }, patience, time.Millisecond)
	time.Sleep(2*lookAtPath + lookAtPath/2) // it fails twice more
	require.Regexp(t, `^[^\n]*level=ERROR msg="cannot listen at hand_over" hand_over=\S+ error=[^\n]*\n$`, e.log.String())
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.Eventually(t, func() bool {
		nc, err := net.Dial("unix", path)
		if err == nil {
			nc.Close()
		}
		return !errors.Is(err, os.ErrNotExist)
	}, patience, time.Millisecond)
	require.Eventually(t, func() bool { return successorReachable(path) }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return strings.Contains(e.log.String(), `msg="hand_over did not answer, taken back"`) }, patience, time.Millisecond)
}

func successorReachable(path string) bool {
	s, err := (&Endpoint{path: path, id: "successor", done: make(chan struct{})}).Successor(context.Background())
	if s != nil {
		s.Close()
	}
	return s != nil && err == nil
}

// Each field of a connection's state arrives as it was sent, also those that are added tomorrow.
func TestEachFieldOfTheStateCrosses(t *testing.T) {
	path := newPath(t)
	successor := serve(t, path, &fakeProxy{})
	p, _ := parcel(t, "")
	n := 0
	fill(t, reflect.ValueOf(&p.State).Elem(), &n)
	require.Greater(t, n, 15)
	one := p.State.OnePort
	one.Links = append(one.Links, one.Links[0])
	p.State.Role, p.State.Pending[0].Link, one.Pushes[0].Link = messages.OnePort, 1, 1
	p.Upstreams = []int{duplicate(t, p.Client), duplicate(t, p.Client)}
	sent := p.State
	outcome, _, err := successorOf(t, path).Give(p)
	require.NoError(t, err)
	require.Equal(t, messages.HandedOver, outcome)
	require.Eventually(t, func() bool { return successor.proxy.count() == 1 }, patience, time.Millisecond)
	require.Equal(t, &sent, successor.proxy.adopted[0])
}

// fill gives each field a value of its own that is not zero.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), n)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.String:
		v.SetString("value " + strconv.Itoa(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Int8, reflect.Int16:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	default:
		t.Fatalf("a field of kind %s: teach this test about it", v.Kind())
	}
}

// A successor that stands still, before its hello or behind it, holds a drain up for as long as that allows, and the
// connection that was offered stays where it is.
func TestASuccessorThatStandsStill(t *testing.T) {
	path := newPath(t)
	ln, err := listenAt(path)
	require.NoError(t, err)
	defer ln.Close()
	predecessor := func() *Endpoint { return &Endpoint{path: path, id: "predecessor", done: make(chan struct{})} }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	begun := time.Now()
	s, err := predecessor().Successor(ctx)
	require.ErrorContains(t, err, "cannot talk to the proxy at hand_over")
	require.Nil(t, s)

	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		for { // the first one has been given up
			nc, err := ln.AcceptUnix()
			if err != nil {
				return
			}
			defer nc.Close()
			_ = (&conn{nc: nc}).send(hello{ID: "successor", Version: Version})
		}
	}()
	s, err = predecessor().Successor(ctx)
	require.NoError(t, err)
	defer s.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	p, client := parcel(t, "main")
	outcome, _, err := s.Give(p)
	require.Error(t, err)
	require.Equal(t, messages.HandOverRefused, outcome)
	require.Less(t, time.Since(begun), messageTimeout)
	owned(t, client)
	closeFD(p.Client)
}
