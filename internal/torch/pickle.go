package torch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// The instructions of pickles, protocols 2 to 4, that PyTorch's files use.
const (
	opMark, opStop, opPop                                   = '(', '.', '0'
	opNone, opTrue, opFalse                                 = 'N', 0x88, 0x89
	opInt1, opInt2, opInt4, opLong1, opFloat                = 'K', 'M', 'J', 0x8a, 'G'
	opUnicode, opShortUnicode, opBytes, opShortBytes        = 'X', 0x8c, 'B', 'C'
	opString, opShortString                                 = 'T', 'U'
	opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3     = ')', 't', 0x85, 0x86, 0x87
	opEmptyList, opAppend, opAppends                        = ']', 'a', 'e'
	opEmptyDict, opSetItem, opSetItems                      = '}', 's', 'u'
	opGlobal, opStackGlobal, opReduce, opNewObject, opBuild = 'c', 0x93, 'R', 0x81, 'b'
	opPersistent                                            = 'Q'
	opPut, opLongPut, opGet, opLongGet, opMemoize           = 'q', 'r', 'h', 'j', 0x94
	opProto, opFrame                                        = 0x80, 0x95
)

// Values of a pickle are nil, bool, int64, float64, string, and these.
type (
	long   string // the bytes of a long integer, little-endian
	tuple  []any
	list   struct{ items []any }
	dict   struct{ keys, values []any }
	global struct{ module, name string } // a name in Python, without meaning here
	object struct{ state any }           // an instance of any class: its state
	mark   struct{}

	// storage is an array of numbers with a key.
	storage struct {
		key  string
		kind string // FloatStorage, ...
	}
	// view is a tensor: some numbers of a storage.
	view struct {
		storage      storage
		offset       int64
		size, stride []int64
	}
)

// machine executes the instructions of pickles.
type machine struct {
	in    []byte
	at    int
	stack []any
	memo  map[uint32]any
	sizes map[string]int // bytes of an element of each storage
}

const maxStack = 1 << 20

// run executes the next pickle and returns its value.
func (m *machine) run() (value any, err error) {
	m.stack, m.memo = nil, map[uint32]any{}
	defer func() {
		if err != nil {
			err = fmt.Errorf("pickle, byte %d: %w", m.at, err)
		}
	}()
	for {
		op, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == opStop {
			return m.pop()
		}
		if err := m.step(op[0]); err != nil {
			return nil, err
		}
		if len(m.stack) > maxStack {
			return nil, errors.New("got too many values")
		}
	}
}

func (m *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.in)-m.at) {
		return nil, io.ErrUnexpectedEOF
	}
	b := m.in[m.at : m.at+int(n)]
	m.at += int(n)
	return b, nil
}

// number reads an unsigned number of n bytes.
func (m *machine) number(n uint64) (uint64, error) {
	b, err := m.take(n)
	var word [8]byte
	copy(word[:], b)
	return binary.LittleEndian.Uint64(word[:]), err
}

func (m *machine) line() (string, error) {
	end := bytes.IndexByte(m.in[m.at:], '\n')
	if end < 0 {
		return "", io.ErrUnexpectedEOF
	}
	line := string(m.in[m.at : m.at+end])
	m.at += end + 1
	return line, nil
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 {
		return nil, errors.New("the stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// popN pops n values, in the order in which they were pushed.
func (m *machine) popN(n int) ([]any, error) {
	if n > len(m.stack) {
		return nil, errors.New("the stack is empty")
	}
	values := append([]any(nil), m.stack[len(m.stack)-n:]...)
	m.stack = m.stack[:len(m.stack)-n]
	return values, nil
}

// popMark pops the values above the last mark, and the mark.
func (m *machine) popMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			values, _ := m.popN(len(m.stack) - i - 1)
			m.stack = m.stack[:i]
			return values, nil
		}
	}
	return nil, errors.New("the stack has no mark")
}

// step executes an instruction.
func (m *machine) step(op byte) error {
	switch op {
	case opProto:
		_, err := m.take(1)
		return err
	case opFrame:
		_, err := m.take(8)
		return err
	case opMark:
		m.push(mark{})
	case opPop:
		_, err := m.pop()
		return err
	case opNone:
		m.push(nil)
	case opTrue, opFalse:
		m.push(op == opTrue)
	case opInt1, opInt2, opInt4, opLong1, opFloat:
		return m.scalar(op)
	case opUnicode, opShortUnicode, opBytes, opShortBytes, opString, opShortString:
		return m.text(op)
	case opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3:
		return m.tuple(op)
	case opEmptyList:
		m.push(&list{})
	case opEmptyDict:
		m.push(&dict{})
	case opAppend, opAppends, opSetItem, opSetItems:
		return m.add(op)
	case opPut, opLongPut, opGet, opLongGet, opMemoize:
		return m.remember(op)
	case opGlobal:
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		m.push(global{module, name})
		return err
	case opStackGlobal, opReduce, opNewObject, opBuild:
		return m.make(op)
	case opPersistent:
		id, err := m.pop()
		if err != nil {
			return err
		}
		s, err := m.persistent(id)
		m.push(s)
		return err
	default:
		return fmt.Errorf("got instruction %#02x, which files of tensors do not use", op)
	}
	return nil
}

func (m *machine) scalar(op byte) error {
	widths := map[byte]uint64{opInt1: 1, opInt2: 2, opInt4: 4, opFloat: 8, opLong1: 1}
	n, err := m.number(widths[op])
	if err != nil {
		return err
	}
	switch op {
	case opInt4:
		m.push(int64(int32(n)))
	case opFloat: // big-endian
		b := m.in[m.at-8 : m.at]
		m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case opLong1:
		b, err := m.take(n)
		if err != nil {
			return err
		}
		if n > 8 {
			m.push(long(b))
			return nil
		}
		var word [8]byte
		if copy(word[:], b); n > 0 && b[n-1] >= 0x80 {
			for i := n; i < 8; i++ {
				word[i] = 0xff
			}
		}
		m.push(int64(binary.LittleEndian.Uint64(word[:])))
	default:
		m.push(int64(n))
	}
	return nil
}

func (m *machine) text(op byte) error {
	width := uint64(4)
	if op == opShortUnicode || op == opShortBytes || op == opShortString {
		width = 1
	}
	n, err := m.number(width)
	if err != nil {
		return err
	}
	b, err := m.take(n)
	m.push(string(b))
	return err
}

func (m *machine) tuple(op byte) (err error) {
	var values []any
	switch op {
	case opTuple:
		values, err = m.popMark()
	case opTuple1, opTuple2, opTuple3:
		values, err = m.popN(int(op-opTuple1) + 1)
	}
	m.push(tuple(values))
	return err
}

// add adds values to the list or the dictionary below them.
func (m *machine) add(op byte) (err error) {
	var values []any
	switch op {
	case opAppend:
		values, err = m.popN(1)
	case opSetItem:
		values, err = m.popN(2)
	default:
		values, err = m.popMark()
	}
	if err == nil && len(m.stack) == 0 {
		err = errors.New("the stack is empty")
	}
	if err != nil {
		return err
	}
	switch to := m.stack[len(m.stack)-1].(type) {
	case *list:
		to.items = append(to.items, values...)
	case *dict:
		if len(values)%2 != 0 {
			return errors.New("a key has no value")
		}
		for i := 0; i < len(values); i += 2 {
			to.keys, to.values = append(to.keys, values[i]), append(to.values, values[i+1])
		}
	}
	return nil
}

// remember stores the top of the stack in the memo, or pushes a value from it.
func (m *machine) remember(op byte) error {
	i := uint64(len(m.memo))
	if op != opMemoize {
		width := uint64(1)
		if op == opLongPut || op == opLongGet {
			width = 4
		}
		n, err := m.number(width)
		if err != nil {
			return err
		}
		i = n
	}
	if op == opGet || op == opLongGet {
		v, ok := m.memo[uint32(i)]
		if !ok {
			return fmt.Errorf("the memo has no %d", i)
		}
		m.push(v)
		return nil
	}
	if len(m.stack) == 0 {
		return errors.New("the stack is empty")
	}
	m.memo[uint32(i)] = m.stack[len(m.stack)-1]
	return nil
}

// make makes a value from a name and arguments, or sets the state of an object.
func (m *machine) make(op byte) error {
	values, err := m.popN(2)
	if err != nil {
		return err
	}
	switch op {
	case opStackGlobal:
		module, _ := values[0].(string)
		name, _ := values[1].(string)
		m.push(global{module, name})
	case opNewObject:
		m.push(&object{})
	case opBuild:
		if o, ok := values[0].(*object); ok {
			o.state = values[1]
		}
		m.push(values[0])
	case opReduce:
		function, _ := values[0].(global)
		arguments, _ := values[1].(tuple)
		v, err := call(function, arguments)
		m.push(v)
		return err
	}
	return nil
}
