#include "textflag.h"

// Go's assembler does not know VCVTNEPS2BF16, which rounds 16 float32 to the nearest bfloat16, ties to even: it is
// EVEX.512.F3.0F38.W0 72 /r (Intel SDM, volume 2).
#define ROUND_Z0_Y0 BYTE $0x62; BYTE $0xf2; BYTE $0x7e; BYTE $0x48; BYTE $0x72; BYTE $0xc0
#define ROUND_Z1_Y1 BYTE $0x62; BYTE $0xf2; BYTE $0x7e; BYTE $0x48; BYTE $0x72; BYTE $0xc9

// PAIR_Z0_Z1 leaves in Z0 the pairs of 16 float32 in Z0, the lower halves, and in Z1.
#define PAIR_Z0_Z1 \
	ROUND_Z0_Y0; \
	ROUND_Z1_Y1; \
	VPMOVZXWD Y0, Z0; \
	VPMOVZXWD Y1, Z1; \
	VPSLLD $16, Z1, Z1; \
	VPORD Z1, Z0, Z0

// func roundPairs(d, s unsafe.Pointer, n int)
TEXT ·roundPairs(SB), NOSPLIT, $0-24
	MOVQ d+0(FP), DI
	MOVQ s+8(FP), SI
	MOVQ n+16(FP), CX
	SUBQ $16, CX
	JLT  tail
loop:
	VMOVUPS (SI), Z0
	ROUND_Z0_Y0
	VMOVDQU Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JGE  loop
tail:
	ADDQ $16, CX
	JEQ  done
	MOVQ $1, AX
	SHLQ CX, AX
	DECQ AX
	KMOVW AX, K1
	VMOVUPS.Z (SI), K1, Z0
	ROUND_Z0_Y0
	VMOVDQU16 Y0, K1, (DI)
done:
	VZEROUPPER
	RET

// func roundRows(d, a, b unsafe.Pointer, n int)
TEXT ·roundRows(SB), NOSPLIT, $0-32
	MOVQ d+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	SUBQ $16, CX
	JLT  tail
loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DX), Z1
	PAIR_Z0_Z1
	VMOVUPS Z0, (DI)
	ADDQ $64, SI
	ADDQ $64, DX
	ADDQ $64, DI
	SUBQ $16, CX
	JGE  loop
tail:
	ADDQ $16, CX
	JEQ  done
	MOVQ $1, AX
	SHLQ CX, AX
	DECQ AX
	KMOVW AX, K1
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z1
	PAIR_Z0_Z1
	VMOVUPS Z0, K1, (DI)
done:
	VZEROUPPER
	RET
