package inngesthealth

import (
	"encoding/json"
	"math"
	"strconv"
)

// memoryJSON is the JSON form of Memory: text for people, as in nestjs-inngest, and
// bytes for programs.
type memoryJSON struct {
	Used       string   `json:"used"`
	Limit      *string  `json:"limit"`
	Percentage *float64 `json:"percentage"`
	UsedBytes  uint64   `json:"usedBytes"`
	LimitBytes *uint64  `json:"limitBytes"`
}

// MarshalJSON implements json.Marshaler. It rounds the percentage to one decimal place.
func (m Memory) MarshalJSON() ([]byte, error) {
	v := memoryJSON{Used: megabytes(m.UsedBytes), UsedBytes: m.UsedBytes}
	if m.LimitBytes != 0 {
		limit, percentage := megabytes(m.LimitBytes), math.Round(m.Percentage*10)/10
		v.Limit, v.Percentage, v.LimitBytes = &limit, &percentage, &m.LimitBytes
	}
	return json.Marshal(v)
}

// UnmarshalJSON implements json.Unmarshaler. It computes the percentage from the bytes,
// which are more exact than the rounded percentage in the JSON.
func (m *Memory) UnmarshalJSON(data []byte) error {
	var v memoryJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*m = Memory{UsedBytes: v.UsedBytes}
	if v.LimitBytes != nil {
		*m = memoryOf(v.UsedBytes, *v.LimitBytes)
	}
	return nil
}

// megabytes formats a number of bytes, rounded to whole megabytes.
func megabytes(bytes uint64) string {
	whole, half := bytes>>20, bytes>>19&1
	return strconv.FormatUint(whole+half, 10) + " MB"
}

// memoryOf returns the Memory for a limit, where 0 means none.
func memoryOf(used, limit uint64) Memory {
	m := Memory{UsedBytes: used, LimitBytes: limit}
	if limit != 0 {
		m.Percentage = float64(used) / float64(limit) * 100
	}
	return m
}

// readMemory returns the memory of this process. It reads a few small files and does
// not stop the world, so it is cheap enough for concurrent requests.
func readMemory() Memory { return processCgroups().memory(readRuntime()) }

// memory returns the memory of a process in these cgroups, for the limit with the
// highest percentage.
func (c cgroups) memory(r runtimeStats) Memory {
	used, limit := c.read()
	ofCgroup, ofRuntime := memoryOf(used, limit), memoryOf(r.needed, r.limit)
	switch {
	case ofCgroup.LimitBytes == 0 && ofRuntime.LimitBytes == 0:
		return Memory{UsedBytes: r.held}
	case ofCgroup.LimitBytes == 0:
		return ofRuntime
	case ofRuntime.LimitBytes == 0 || ofCgroup.Percentage >= ofRuntime.Percentage:
		return ofCgroup
	default:
		return ofRuntime
	}
}
