package cpu

import "slices"

// schedule reorders the instructions so that fewer bytes are alive between them: what fits into the last-level cache is fast to read.
// Emission goes down to what one result needs after another, and would leave for the last one what all of them need. Here
// instructions come in order of emission, but one that leaves no more alive than it frees comes as soon as it can: the gradient
// of a kernel when that of its output is there, which frees its input, and an update of a parameter when the old one has had
// its last reader. What an instruction needs while it runs does not count.
//
// It gives the number of times that an instruction was considered.
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
	operands [][]int // by instruction: what it reads, each buffer once
	waits    []int   // by instruction: operands that are not made
	done     []bool  // by instruction
	readers  [][]int // by buffer
	left     []int   // by buffer: readers that are not done
	work     int     // instructions that were considered
}

// take appends an instruction, and those that it makes worth while.
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
		if s.left[b]--; s.left[b] == 1 { // the last one frees it
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

// growth is how many bytes more are alive after instruction i.
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
