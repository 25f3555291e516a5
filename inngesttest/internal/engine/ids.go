package engine

import (
	"encoding/binary"
	"time"

	"github.com/oklog/ulid/v2"
)

// ids makes the IDs of runs and events. They depend on the seed, the time and how many were
// made before, and IDs of the same millisecond ascend.
type ids struct {
	prefix [5]byte
	count  uint64
}

// ulid returns a new ID with the time t.
func (e *Engine) ulid(t time.Time) string {
	e.ids.count++
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(t)) // fails after the year 10889
	copy(id[6:], e.ids.prefix[:])
	var count [8]byte
	binary.BigEndian.PutUint64(count[:], e.ids.count)
	copy(id[11:], count[3:])
	return id.String()
}
