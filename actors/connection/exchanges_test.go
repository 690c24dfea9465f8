package connection

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/linear"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// The table does what a list does that is searched from its end to its beginning.
func TestExchangesAreAList(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		p, list := newExchanges(), []*messages.Exchange{}
		grown := len(p.chains)
		for range 2000 {
			opaque := int32(random.IntN(300)-150) * 4
			switch random.IntN(5) {
			case 0, 1, 2:
				x := &messages.Exchange{Header: codec.Header{Opaque: opaque}, Relayed: random.IntN(4) > 0}
				p.add(x)
				list = append(list, x)
			case 3:
				i := slices.IndexFunc(list, func(x *messages.Exchange) bool { return x.Relayed && x.Header.Opaque == opaque })
				got := p.takeRelayed(0, opaque)
				if i < 0 {
					require.Nil(t, got)
					break
				}
				require.Same(t, list[i], got, "the oldest with this opaque")
				require.False(t, p.remove(got))
				list = slices.Delete(list, i, i+1)
			case 4:
				if i := random.IntN(len(list) + 1); i < len(list) {
					require.True(t, p.remove(list[i]))
					list = slices.Delete(list, i, i+1)
				}
			}
			if len(list) != p.len() { // require costs more than all else here
				require.Equal(t, len(list), p.len())
			}
		}
		require.Greater(t, len(p.chains), grown, "the test is large enough")
		all := slices.Collect(p.all())
		require.ElementsMatch(t, list, all)
		for i, x := range all {
			for _, later := range all[i+1:] {
				if later.Header.Opaque == x.Header.Opaque {
					require.Greater(t, slices.Index(list, later), slices.Index(list, x), "older ones come first")
				}
			}
		}
	}
}

func TestNoExchanges(t *testing.T) {
	var none *exchanges
	require.Zero(t, none.len())
	require.Nil(t, none.takeRelayed(0, 1))
	require.False(t, none.remove(&messages.Exchange{}))
	require.Empty(t, slices.Collect(none.all()))
}

// Requests with one opaque, or with opaques that a client chose, cost no more each the more there are.
func TestExchangesCostTheSameHoweverManyThereAre(t *testing.T) {
	for name, opaque := range map[string]func(i int) int32{
		"one opaque": func(int) int32 { return 7 },
		// Under multiplication by Knuth's 2654435769, whose inverse is 340573321, these would all have the same high bits.
		"opaques that fall together": func(i int) int32 { return int32(uint32(i) * 340573321) },
		"counted up":                 func(i int) int32 { return int32(i) },
	} {
		t.Run(name, func(t *testing.T) {
			linear.Cost(t, 300, func(n int) func() {
				list := make([]messages.Exchange, n)
				return func() {
					table := newExchanges()
					for i := range list {
						list[i] = messages.Exchange{Header: codec.Header{Opaque: opaque(i)}, Relayed: true}
						table.add(&list[i])
					}
					for i := range list {
						if i%2 == 0 {
							table.remove(&list[i])
						} else {
							table.takeRelayed(0, opaque(i))
						}
					}
					if table.len() != 0 {
						panic("some are left")
					}
				}
			})
		})
	}
}

// Finding a request looks at as many others on average, however many there are and whatever their opaques. The hash is
// random, so it is the mean of many.
func TestStepsToAnExchangeDoNotGrow(t *testing.T) {
	defer func(was uint32) { mix = was }(mix)
	for name, factor := range map[string]uint32{"counted up": 1, "every fourth": 4, "together for Knuth's factor": 340573321} {
		t.Run(name, func(t *testing.T) {
			steps := func(n int) (sum int) {
				hashes := rand.New(rand.NewPCG(1, 2)) // the same ones each time
				for range 100 {
					mix = hashes.Uint32() | 1
					table := newExchanges()
					for i := range n {
						table.add(&messages.Exchange{Header: codec.Header{Opaque: int32(uint32(i) * factor)}})
					}
					for _, x := range table.chains {
						for before := 1; x != nil; x = x.Next {
							sum += before
							before++
						}
					}
				}
				return sum
			}
			once, twice := steps(1000), steps(2000)
			t.Log(once, twice)
			require.LessOrEqual(t, float64(twice), 2.2*float64(once))
			require.Less(t, once, 2*100*1000, "two steps each")
		})
	}
}
