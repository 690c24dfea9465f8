package embedded

import (
	"container/heap"
	"slices"
)

// outstanding is what a group has popped from a queue and not acked yet. Its work for a message does not depend on how
// many others are out.
type outstanding struct {
	byHandle map[checkpointKey][]*checkpoint
	open     map[int64]int // by offset: how many checkpoints have it out
	offsets  offsetHeap    // every offset of open, and some that are acked by now
}

// checkpointKey is what a handle says of its checkpoint. It may stand for two: a message may be given a new time in the
// very millisecond in which it was popped.
type checkpointKey struct {
	start, popTime int64
	revive         int
}

func (c *checkpoint) id() checkpointKey { return checkpointKey{c.start, c.popTime, c.revive} }

func newOutstanding() *outstanding {
	return &outstanding{byHandle: make(map[checkpointKey][]*checkpoint), open: make(map[int64]int)}
}

func (o *outstanding) add(c *checkpoint) {
	o.byHandle[c.id()] = append(o.byHandle[c.id()], c)
	for _, offset := range c.offsets {
		o.open[offset]++
		heap.Push(&o.offsets, offset)
	}
}

// ack ends one message under a handle and reports whether it was out.
func (o *outstanding) ack(k checkpointKey, offset int64) bool {
	for _, c := range o.byHandle[k] {
		if i, found := slices.BinarySearch(c.offsets, offset); found && !c.done[i] {
			o.end(c, i)
			return true
		}
	}
	return false
}

// end marks the i-th message of a checkpoint as done, and forgets the checkpoint with its last one.
func (o *outstanding) end(c *checkpoint, i int) {
	c.done[i] = true
	offset := c.offsets[i]
	if o.open[offset]--; o.open[offset] == 0 {
		delete(o.open, offset)
	}
	if slices.Contains(c.done, false) {
		return
	}
	k := c.id()
	o.byHandle[k] = slices.DeleteFunc(o.byHandle[k], func(x *checkpoint) bool { return x == c })
	if len(o.byHandle[k]) == 0 {
		delete(o.byHandle, k)
	}
}

// first is the lowest offset that is out.
func (o *outstanding) first() (offset int64, any bool) {
	for len(o.offsets) > 0 && o.open[o.offsets[0]] == 0 {
		heap.Pop(&o.offsets)
	}
	if len(o.offsets) == 0 {
		return 0, false
	}
	return o.offsets[0], true
}

type offsetHeap []int64

func (h offsetHeap) Len() int           { return len(h) }
func (h offsetHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h offsetHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *offsetHeap) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *offsetHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
