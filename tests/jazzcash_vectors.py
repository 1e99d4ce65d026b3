"""Published samples of JazzCash's `pp_SecureHash`: the salt, the fields, the digest, and where it was published."""

from __future__ import annotations

IPN: dict[str, str | None] = {  # the guide to instant payment notifications, 2026
    "pp_Version": "2.0",
    "pp_TxnType": "MWALLET",
    "pp_BankID": "",
    "pp_ProductID": None,
    "pp_Password": "0123456789",
    "pp_TxnRefNo": "T20240418145702",
    "pp_TxnDateTime": "20240418145702",
    "pp_ResponseCode": "121",
    "pp_ResponseMessage": "Transaction has been marked confirmed by Merchant.",
    "pp_AuthCode": "060935465981",
    "pp_SettlementExpiry": None,
    "pp_RetreivalReferenceNo": "240418718258",
}
VECTORS: dict[str, tuple[str, dict[str, str | None], str]] = {
    "the page on the hashing scheme": (
        "0F5DD14AE2",
        {"pp_Amount": "2995", "pp_MerchantID": "MER123", "pp_OrderInfo": "A48cvE28"},
        "c7689cda7474eb1adcd343fd0c0b676bad0ba66361cc46db589bdb0da4c1c867",
    ),
    "a wallet refund": (
        "3vv9wu3a18",
        {
            "pp_Amount": "25000",
            "pp_MerchantID": "MC25041",
            "pp_MerchantMPIN": "1234",
            "pp_Password": "sz1v4agvyf",
            "pp_TxnCurrency": "PKR",
            "pp_TxnRefNo": "T20220518150213",
        },
        "2C595361C2DA0E502D18BFBAA92CF4740330215E5E8AD0CF4489A64E7400B117",
    ),
    "a notification": (
        "0123456789",
        IPN,
        "2B47BCF7825FA27FC8B522292BC8D226213FCCDA685FC68A67EC20B10836E5B7",
    ),
    "a wallet payment with CNIC": (
        "9208s6wx05",
        {
            "pp_Amount": "100",
            "pp_BillReference": "billRef3781",
            "pp_CNIC": "345678",
            "pp_Description": "Test case description",
            "pp_Language": "EN",
            "pp_MerchantID": "MC32084",
            "pp_MobileNumber": "03123456789",
            "pp_Password": "yy41w5f10e",
            "pp_TxnCurrency": "PKR",
            "pp_TxnDateTime": "20220124224204",
            "pp_TxnExpiryDateTime": "20220125224204",
            "pp_TxnRefNo": "T71608120",
        },
        "39ECAACFC30F9AFA1763B7E61EA33AC75977FB2E849A5EE1EDC4016791F3438F",
    ),
    "a card page": (
        "YOUR_INTEGRITY_SALT",
        {
            "pp_Amount": "100",
            "pp_BillReference": "billref001",
            "pp_Description": "Test transaction description",
            "pp_Language": "EN",
            "pp_MerchantID": "YOUR_MERCHANT_ID",
            "pp_Password": "YOUR_PASSWORD",
            "pp_ReturnURL": "https://merchant.example.com/jazzcash/return",
            "pp_TxnCurrency": "PKR",
            "pp_TxnDateTime": "20260823120000",
            "pp_TxnExpiryDateTime": "20260824120000",
            "pp_TxnRefNo": "TRN20260823120000123",
            "pp_TxnType": "MPAY",
            "pp_Version": "1.1",
        },
        "20CA66D57652B9D2F0B4B2991C8324FC594633FD1FE8BBABE21F93DCE9F3C5AB",
    ),
}
