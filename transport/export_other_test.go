//go:build !linux

package transport

func handedOnLoop(Conn) int { panic("there are no loops") }
