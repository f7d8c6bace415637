package cpu

import "slices"

// schedule reorders the instructions so that fewer bytes are live between them, since memory that fits the last-level cache is fast.
// Instructions are emitted depth first, for one result after another, which alone would keep what several results need until the last
// of them. schedule keeps the order of emission, but runs an instruction that frees at least as many bytes as it makes as soon as its
// operands exist: the gradient of a kernel once the gradient of its output exists, which frees its input, and the update of a parameter
// once the old value has had its last reader. Workspaces do not count.
//
// It returns the number of times that an instruction was considered.
func (c *compiler) schedule() int {
	s := &scheduler{
		compiler: c,
		operands: make([][]int, len(c.code)),
		waits:    make([]int, len(c.code)),
		done:     make([]bool, len(c.code)),
		readers:  make([][]int, len(c.bufs)),
		left:     make([]int, len(c.bufs)),
	}
	made := make([]bool, len(c.bufs))
	for i, in := range c.code {
		for _, b := range in.reads {
			if slices.Contains(s.operands[i], b) {
				continue
			}
			s.operands[i] = append(s.operands[i], b)
			s.readers[b] = append(s.readers[b], i)
			s.left[b]++
			if made[b] {
				s.waits[i]++
			}
		}
		for _, b := range in.makes {
			made[b] = true
		}
	}
	for i := range c.code {
		s.take(i)
	}
	c.code = s.order
	return s.work
}

type scheduler struct {
	*compiler
	order    []instruction
	operands [][]int // buffers that an instruction reads, each once, by instruction
	waits    []int   // number of operands that do not exist yet, by instruction
	done     []bool  // by instruction
	readers  [][]int // instructions, by buffer
	left     []int   // number of readers that are not done, by buffer
	work     int     // instructions that were considered
}

// take appends an instruction, and those that should follow at once.
func (s *scheduler) take(i int) {
	if s.done[i] {
		return
	}
	s.done[i] = true
	s.order = append(s.order, s.code[i])
	var near []int
	for _, b := range s.code[i].makes {
		for _, r := range s.readers[b] {
			s.waits[r]--
		}
		near = append(near, s.readers[b]...)
	}
	for _, b := range s.operands[i] {
		if s.left[b]--; s.left[b] == 1 { // the last reader frees it
			near = append(near, s.readers[b]...)
		}
	}
	s.work += len(near)
	for _, r := range near {
		if s.waits[r] == 0 && s.growth(r) <= 0 {
			s.take(r)
		}
	}
}

// growth returns how many more bytes are live after instruction i.
func (s *scheduler) growth(i int) (bytes int) {
	for _, b := range s.code[i].makes {
		if s.left[b] > 0 || s.bufs[b].kind == result {
			bytes += s.bufs[b].bytes
		}
	}
	for _, b := range s.operands[i] {
		replaced := slices.ContainsFunc(s.code[i].overwrites, func(o overwrite) bool { return o.from == b })
		if s.left[b] == 1 && (s.bufs[b].kind == temporary || s.bufs[b].kind == input && replaced) {
			bytes -= s.bufs[b].bytes
		}
	}
	return bytes
}
