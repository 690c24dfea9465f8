package embedded

import "container/heap"

// agenda is what a brokerSet has to do later: deliver delayed messages, make popped ones visible again, check
// transactions. It outlives restarts; nothing is done while the master is down. Guarded by the set's lock.
type agenda struct {
	set     *brokerSet
	entries appointments
	made    int64
	stop    func() bool // of the alarm that is set, if any
}

type appointment struct {
	at    int64 // milliseconds
	order int64
	do    func() // under the set's lock
}

type appointments []*appointment

func (a appointments) Len() int { return len(a) }
func (a appointments) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a appointments) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *appointments) Push(x any)   { *a = append(*a, x.(*appointment)) }
func (a *appointments) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return x
}

// at has do called at a time in milliseconds, soon if that is past.
func (g *agenda) at(ms int64, do func()) {
	g.made++
	x := &appointment{at: ms, order: g.made, do: do}
	heap.Push(&g.entries, x)
	if g.entries[0] == x {
		g.arm()
	}
}

// arm sets the alarm for the next appointment, if the master runs to keep it.
func (g *agenda) arm() {
	g.disarm()
	if len(g.entries) == 0 || g.set.master() == nil {
		return
	}
	next := g.entries[0].at
	g.stop = g.set.clock.AfterFunc(millis(max(0, next-g.set.now())), g.keep)
}

func (g *agenda) disarm() {
	if g.stop != nil {
		g.stop()
		g.stop = nil
	}
}

// keep does what is due.
func (g *agenda) keep() {
	g.set.mu.Lock()
	defer g.set.mu.Unlock()
	for len(g.entries) > 0 && g.entries[0].at <= g.set.now() && g.set.master() != nil {
		heap.Pop(&g.entries).(*appointment).do()
	}
	g.arm()
}
