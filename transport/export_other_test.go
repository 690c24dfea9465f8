//go:build !linux

package transport

func handedOnLoop(Conn) int { panic("there are no loops") }

func cannotWriteOnLoop(Conn) bool { panic("there are no loops") }

// Outside is for rings.
func Outside(Executor) (end func()) { return func() {} }
