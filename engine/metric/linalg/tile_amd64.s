#include "textflag.h"

// ROW adds one element of a, times 24 of b (Z24 to Z26), to a row of the tile.
#define ROW(element, x, y, z) \
	VBROADCASTSD (element*8)(AX), Z27; \
	VFMADD231PD Z24, Z27, x; \
	VFMADD231PD Z25, Z27, y; \
	VFMADD231PD Z26, Z27, z

#define CLEAR(x, y, z) \
	VPXORQ x, x, x; \
	VPXORQ y, y, y; \
	VPXORQ z, z, z

#define STORE(row, x, y, z) \
	VMOVUPD x, (row*192)(DI); \
	VMOVUPD y, (row*192+64)(DI); \
	VMOVUPD z, (row*192+128)(DI)

// func tileAVX512(t *[192]float64, a, b *float64, k, size int)
// The 8 x 24 sums stay in Z0 to Z23.
TEXT ·tileAVX512(SB), NOSPLIT, $0-40
	MOVQ t+0(FP), DI
	MOVQ a+8(FP), AX
	MOVQ b+16(FP), BX
	MOVQ k+24(FP), CX
	MOVQ size+32(FP), DX
	CLEAR(Z0, Z1, Z2)
	CLEAR(Z3, Z4, Z5)
	CLEAR(Z6, Z7, Z8)
	CLEAR(Z9, Z10, Z11)
	CLEAR(Z12, Z13, Z14)
	CLEAR(Z15, Z16, Z17)
	CLEAR(Z18, Z19, Z20)
	CLEAR(Z21, Z22, Z23)

loop:
	VMOVUPD (BX), Z24
	VMOVUPD (BX)(DX*8), Z25
	LEAQ    (BX)(DX*8), SI
	VMOVUPD (SI)(DX*8), Z26
	ROW(0, Z0, Z1, Z2)
	ROW(1, Z3, Z4, Z5)
	ROW(2, Z6, Z7, Z8)
	ROW(3, Z9, Z10, Z11)
	ROW(4, Z12, Z13, Z14)
	ROW(5, Z15, Z16, Z17)
	ROW(6, Z18, Z19, Z20)
	ROW(7, Z21, Z22, Z23)
	ADDQ $64, AX
	ADDQ $64, BX
	DECQ CX
	JNZ  loop

	STORE(0, Z0, Z1, Z2)
	STORE(1, Z3, Z4, Z5)
	STORE(2, Z6, Z7, Z8)
	STORE(3, Z9, Z10, Z11)
	STORE(4, Z12, Z13, Z14)
	STORE(5, Z15, Z16, Z17)
	STORE(6, Z18, Z19, Z20)
	STORE(7, Z21, Z22, Z23)
	VZEROUPPER
	RET

// HALFROW adds one element of a, times 12 of b (Y12 to Y14), to half a row of the tile.
#define HALFROW(element, x, y, z) \
	VBROADCASTSD (element*8)(AX), Y15; \
	VFMADD231PD Y12, Y15, x; \
	VFMADD231PD Y13, Y15, y; \
	VFMADD231PD Y14, Y15, z

#define CLEARHALF(x, y, z) \
	VXORPD x, x, x; \
	VXORPD y, y, y; \
	VXORPD z, z, z

#define STOREHALF(row, x, y, z) \
	VMOVUPD x, (row*192)(DI); \
	VMOVUPD y, (row*192+32)(DI); \
	VMOVUPD z, (row*192+64)(DI)

// func quarterAVX2(t, a, b0, b1, b2 *float64, k int)
// The 4 x 12 sums stay in Y0 to Y11.
TEXT ·quarterAVX2(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	MOVQ a+8(FP), AX
	MOVQ b0+16(FP), BX
	MOVQ b1+24(FP), SI
	MOVQ b2+32(FP), DX
	MOVQ k+40(FP), CX
	CLEARHALF(Y0, Y1, Y2)
	CLEARHALF(Y3, Y4, Y5)
	CLEARHALF(Y6, Y7, Y8)
	CLEARHALF(Y9, Y10, Y11)

loop:
	VMOVUPD (BX), Y12
	VMOVUPD (SI), Y13
	VMOVUPD (DX), Y14
	HALFROW(0, Y0, Y1, Y2)
	HALFROW(1, Y3, Y4, Y5)
	HALFROW(2, Y6, Y7, Y8)
	HALFROW(3, Y9, Y10, Y11)
	ADDQ $64, AX
	ADDQ $64, BX
	ADDQ $64, SI
	ADDQ $64, DX
	DECQ CX
	JNZ  loop

	STOREHALF(0, Y0, Y1, Y2)
	STOREHALF(1, Y3, Y4, Y5)
	STOREHALF(2, Y6, Y7, Y8)
	STOREHALF(3, Y9, Y10, Y11)
	VZEROUPPER
	RET
