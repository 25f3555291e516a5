package inngesthealth

import (
	"encoding/json"
	"math"
	"strconv"
)

// memoryJSON is Memory as JSON: the text for people, as nestjs-inngest has it, and the
// bytes for programs.
type memoryJSON struct {
	Used       string   `json:"used"`
	Limit      *string  `json:"limit"`
	Percentage *float64 `json:"percentage"`
	UsedBytes  uint64   `json:"usedBytes"`
	LimitBytes *uint64  `json:"limitBytes"`
}

// MarshalJSON implements json.Marshaler, with the percentage to one decimal place.
func (m Memory) MarshalJSON() ([]byte, error) {
	v := memoryJSON{Used: megabytes(m.UsedBytes), UsedBytes: m.UsedBytes}
	if m.LimitBytes != 0 {
		limit, percentage := megabytes(m.LimitBytes), math.Round(m.Percentage*10)/10
		v.Limit, v.Percentage, v.LimitBytes = &limit, &percentage, &m.LimitBytes
	}
	return json.Marshal(v)
}

// UnmarshalJSON implements json.Unmarshaler. It looks at the bytes alone, from which
// the percentage follows more exactly than the JSON has it.
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

// megabytes is a number of bytes as text, rounded to whole megabytes.
func megabytes(bytes uint64) string {
	whole, half := bytes>>20, bytes>>19&1
	return strconv.FormatUint(whole+half, 10) + " MB"
}

// memoryOf is the memory with a limit, which is none if it is 0.
func memoryOf(used, limit uint64) Memory {
	m := Memory{UsedBytes: used, LimitBytes: limit}
	if limit != 0 {
		m.Percentage = float64(used) / float64(limit) * 100
	}
	return m
}

// readMemory is the memory of this process. It is cheap enough for each request, also
// for many at once: it reads some small files, and stops nothing.
func readMemory() Memory { return processCgroups().memory(readRuntime()) }

// memory is the memory of a process in these cgroups: of the limit that is the closest.
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
