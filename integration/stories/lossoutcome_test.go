package stories

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// lossOutcome is what lossClients saw.
type lossOutcome struct {
	sent    int
	failed  map[string]int           // sends, by mode
	slowest map[string]time.Duration // send that succeeded, by mode
	reasons map[string]int
	// Receptions: how late the latest message came that was stored while the broker was away, or that came from it or was
	// stored once it was started again; and how many were stored and have not come.
	away, back     time.Duration
	ofAway, ofBack string // which messages these were
	missing        int
	// By mode: how long the producer knew no better than to send to the lost broker, and how long after it was told that
	// the broker is back its first message was stored there.
	unaware, resumed map[string]time.Duration
}

// lossTimes are the moments that outcomes are judged by.
type lossTimes struct {
	lost, started time.Time // the broker
	// By role: when the client was told that the broker is not there, and that it is back. Before that it is as late
	// as its timer has it be, whatever the path.
	gone, told map[string]time.Time
}

// times is an error while a client has not been told yet.
func (p *lossClients) times(lost, started time.Time) (*lossTimes, error) {
	times := &lossTimes{lost: lost, started: started, gone: map[string]time.Time{}, told: map[string]time.Time{}}
	for role, routes := range p.routes {
		times.gone[role], times.told[role] = goneAndBack(routes.Looks(), lost)
		if times.told[role].IsZero() {
			return nil, fmt.Errorf("%s %s: %s has not been told that %s is back", p.client, p.path, role, lostBroker)
		}
	}
	return times, nil
}

// goneAndBack returns when the lost broker was first not in a topic's route, and when it was again; zero: not yet.
func goneAndBack(looks []harness.RouteLook, lost time.Time) (gone, back time.Time) {
	for _, look := range looks {
		switch there := slices.Contains(look.Brokers, lostBroker); {
		case look.At.Before(lost):
		case !there && gone.IsZero():
			gone = look.At
		case there && !gone.IsZero():
			return gone, look.At
		}
	}
	return gone, time.Time{}
}

// outcome looks at what happened. It is an error while something that was stored has not come.
func (p *lossClients) outcome(times *lossTimes) (*lossOutcome, error) {
	events, err := p.events()
	if err != nil {
		return nil, err
	}
	o := &lossOutcome{
		failed: map[string]int{}, slowest: map[string]time.Duration{}, reasons: map[string]int{},
		unaware: map[string]time.Duration{}, resumed: map[string]time.Duration{},
	}
	for _, mode := range lossModes {
		o.unaware[mode] = times.gone[mode].Sub(times.lost)
	}
	got := firstReceptions(events)
	for _, e := range events {
		switch e.what {
		case "failed":
			o.failed[e.mode()]++
			o.reasons[e.mode()+" "+e.detail[:min(len(e.detail), 160)]]++
		case "sent":
			o.sent++
			o.slowest[e.mode()] = max(o.slowest[e.mode()], e.took)
			o.stored(&e, times)
			o.received(got, &e, times)
		}
	}
	if o.missing > 0 {
		return nil, fmt.Errorf("%s %s: %d of %d messages have not come", p.client, p.path, o.missing, o.sent)
	}
	if len(o.resumed) < len(lossModes) {
		return nil, fmt.Errorf("%s %s: %s has stored nothing since it is back", p.client, p.path, lostBroker)
	}
	return o, nil
}

// firstReceptions returns when each message came first.
func firstReceptions(events []lossEvent) map[string]time.Time {
	got := map[string]time.Time{}
	for _, e := range events {
		if _, again := got[e.body]; e.what == "got" && !again {
			got[e.body] = e.at
		}
	}
	return got
}

// stored notes the first message of a producer that the broker stored once it was back.
func (o *lossOutcome) stored(sent *lossEvent, times *lossTimes) {
	at := sent.at.Add(sent.took)
	if _, known := o.resumed[sent.mode()]; known || sent.detail != lostBroker || at.Before(times.started) {
		return
	}
	o.resumed[sent.mode()] = max(0, at.Sub(times.told[sent.mode()]))
}

// received notes how late a message came. Of what the lost broker has stored, nothing can come before the consumer is told
// that the broker is back.
func (o *lossOutcome) received(got map[string]time.Time, sent *lossEvent, times *lossTimes) {
	stored := sent.at.Add(sent.took)
	at, ok := got[sent.body]
	switch {
	case !ok:
		o.missing++
	case sent.detail == lostBroker && at.After(times.started):
		latest(&o.back, &o.ofBack, min(at.Sub(stored), at.Sub(times.told["consumer"])), sent, times.lost)
	case stored.After(times.started):
		latest(&o.back, &o.ofBack, at.Sub(stored), sent, times.lost)
	case sent.at.After(times.lost):
		latest(&o.away, &o.ofAway, at.Sub(stored), sent, times.lost)
	}
}

func latest(most *time.Duration, which *string, late time.Duration, sent *lossEvent, lost time.Time) {
	if late > *most {
		*most, *which = late, fmt.Sprintf("%s on %s, sent %s after the loss", sent.body, sent.detail, sent.at.Sub(lost).Round(time.Millisecond))
	}
}

// The timers of clients do not count: a reception counts from when its consumer was told that the broker is back, and the
// first send from when its producer was.
func TestLossOutcomeCountsFromWhenClientsAreTold(t *testing.T) {
	began := time.Now()
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	look := func(seconds int, brokers ...string) harness.RouteLook {
		return harness.RouteLook{At: at(seconds), Brokers: brokers}
	}
	looks := []harness.RouteLook{look(-5, "broker-a", lostBroker), look(1, "broker-a", lostBroker), look(20, "broker-a"), look(50, "broker-a"), look(80, "broker-a", lostBroker)}
	gone, told := goneAndBack(looks, began)
	require.Equal(t, at(20), gone)
	require.Equal(t, at(80), told)
	_, told = goneAndBack(looks[:4], began)
	require.Zero(t, told)

	times := &lossTimes{
		lost: began, started: at(60),
		gone: map[string]time.Time{"sync": at(20), "async": at(1)},
		told: map[string]time.Time{"sync": at(70), "async": at(71), "consumer": at(80)},
	}
	p := &lossClients{events: func() ([]lossEvent, error) {
		return []lossEvent{
			{what: "sent", body: "sync 1", at: at(30), took: time.Second, detail: "broker-a"},
			{what: "got", body: "sync 1", at: at(34)},
			{what: "sent", body: "async 0", at: at(0), took: time.Millisecond, detail: lostBroker}, // in its last moment
			{what: "got", body: "async 0", at: at(84)},
			{what: "sent", body: "sync 2", at: at(72), detail: lostBroker},
			{what: "got", body: "sync 2", at: at(85)},
			{what: "sent", body: "async 1", at: at(71), detail: lostBroker},
			{what: "got", body: "async 1", at: at(81)},
			{what: "got", body: "async 1", at: at(99)}, // again
		}, nil
	}}
	o, err := p.outcome(times)
	require.NoError(t, err)
	require.Equal(t, 3*time.Second, o.away)
	require.Equal(t, 5*time.Second, o.back)
	require.Equal(t, map[string]time.Duration{"sync": 20 * time.Second, "async": time.Second}, o.unaware)
	require.Equal(t, map[string]time.Duration{"sync": 2 * time.Second, "async": 0}, o.resumed)
}

func TestLossComesWhenNoProducerIsAboutToLook(t *testing.T) {
	f := func(want, length time.Duration, next ...time.Duration) {
		t.Helper()
		begin, quiet := longestQuiet(next)
		require.Equal(t, want, begin)
		require.Equal(t, length, quiet)
	}
	f(3*time.Second, 27*time.Second, 3*time.Second, time.Second, 0)
	f(2*time.Second, 18*time.Second, 2*time.Second, 20*time.Second, 29*time.Second)
	f(4*time.Second, harness.RoutePeriod, 4*time.Second)
}
