# ruff: noqa: N802, N803 -- the names are the library's
"""What besuk uses of `mfrc522` 0.0.7, typed; the library itself carries no types."""

from collections.abc import Sequence

from hal.bus import SpiPort

class MFRC522:
    PCD_IDLE: int
    PCD_AUTHENT: int
    PCD_TRANSCEIVE: int
    PCD_RESETPHASE: int
    PICC_REQIDL: int
    PICC_REQALL: int
    PICC_ANTICOLL: int
    PICC_AUTHENT1A: int
    PICC_AUTHENT1B: int
    PICC_READ: int
    PICC_HALT: int
    MI_OK: int
    MI_NOTAGERR: int
    MI_ERR: int
    CommandReg: int
    CommIrqReg: int
    ErrorReg: int
    Status2Reg: int
    FIFODataReg: int
    FIFOLevelReg: int
    ControlReg: int
    BitFramingReg: int
    ModeReg: int
    TxModeReg: int
    RxModeReg: int
    TxControlReg: int
    TxAutoReg: int
    TxSelReg: int
    RxSelReg: int
    RxThresholdReg: int
    DemodReg: int
    ModWidthReg: int
    RFCfgReg: int
    GsNReg: int
    CWGsPReg: int
    ModGsPReg: int
    TModeReg: int
    TPrescalerReg: int
    TReloadRegH: int
    TReloadRegL: int
    VersionReg: int
    spi: SpiPort
    def __init__(
        self,
        bus: int = 0,
        device: int = 0,
        spd: int = 1000000,
        pin_mode: int = 10,
        pin_rst: int = -1,
        debugLevel: str = "WARNING",
    ) -> None: ...
    def Write_MFRC522(self, addr: int, val: int) -> None: ...
    def Close_MFRC522(self) -> None: ...
    def Read_MFRC522(self, addr: int) -> int: ...
    def MFRC522_Init(self) -> None: ...
    def MFRC522_Request(self, reqMode: int) -> tuple[int, int | None]: ...
    def MFRC522_Anticoll(self) -> tuple[int, list[int]]: ...
    def MFRC522_SelectTag(self, serNum: Sequence[int]) -> int: ...
    def MFRC522_Auth(self, authMode: int, BlockAddr: int, Sectorkey: Sequence[int], serNum: Sequence[int]) -> int: ...
    def MFRC522_Read(self, blockAddr: int) -> list[int] | None: ...
    def MFRC522_Write(self, blockAddr: int, writeData: Sequence[int]) -> None: ...
    def MFRC522_StopCrypto1(self) -> None: ...

class SimpleMFRC522:
    BLOCK_ADDRS: list[int]
    READER: MFRC522
    def __init__(self) -> None: ...
    def read_id_no_block(self) -> int | None: ...
    def read_no_block(self) -> tuple[int | None, str | None]: ...
    def write_no_block(self, text: str) -> tuple[int | None, str | None]: ...
