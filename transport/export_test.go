package transport

// Handed is the sum of the sizes of the chunks that a connection has out.
func Handed(c Conn) (n int) {
	if nc, ok := c.(*netConn); ok {
		nc.mu.Lock()
		defer nc.mu.Unlock()
		return nc.handed
	}
	return handedOnLoop(c)
}

// CannotWrite reports that writing to a connection has failed. It is called where its owner runs.
func CannotWrite(c Conn) bool {
	if nc, ok := c.(*netConn); ok {
		nc.mu.Lock()
		defer nc.mu.Unlock()
		return nc.fault != nil
	}
	return cannotWriteOnLoop(c)
}

// Refs is the number of references to a chunk.
func Refs(c *Chunk) int { return int(c.refs.Load()) }
