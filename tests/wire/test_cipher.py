"""The message cipher: vectors taken from the original's library, and what random data must do."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from im.errors import IMError
from im.wire import cipher
from im.wire.cipher import CipherError

KEY = b"12345678901234567890123456789012"  # compiled into every client

TEXTS = [
    ("a", b"8+lyaGSNdKxdsEEADyYxvw=="),
    ("hello", b"nnZSBwfPCz60q69ddmfIJA=="),
    ("hello world", b"dXZPup8AZvltXQb9TnIEWw=="),
    ("123456789012", b"qRbX2o2N6/0vxpOpQhCOOg=="),
    ("1234567890123", b"ovYKzOY+0lEFsnZlqUWIQAr+GZ43+2mMfQMFqTsGBjY="),
    ("123456789012345", b"9diCvN4bOl5BzVTriuOM3FzIdZRUsFN9eOwYZegap80="),
    ("1234567890123456", b"zyFIAqnq8fihaJFqgH9gVAfU6OB7fpsvZh6GP3dYB9g="),
    ("12345678901234567", b"zyFIAqnq8fihaJFqgH9gVISXKc/8EWzLWkgO6ShwinI="),
    ("1234567890123456789012345678", b"zyFIAqnq8fihaJFqgH9gVOiDZG1k9Y2vmCqd43gIZw4="),
    (
        "12345678901234567890123456789",
        b"zyFIAqnq8fihaJFqgH9gVF2UmOR2mCNVPn04dFCYFaXgAjGO8xbyD9tUy63YSSIG",
    ),
    (
        "12345678901234567890123456789012",
        b"zyFIAqnq8fihaJFqgH9gVKGT1Aa8dbxXqrcWb//Ckv5d5ib/7yMH525m4ID/jXE3",
    ),
    ("a" * 12, b"fkZkMSRqpjkLYLwLy+JzGQ=="),
    ("a" * 13, b"5gvHngFWDUEYuYHDAALgjwr+GZ43+2mMfQMFqTsGBjY="),
    ("a" * 16, b"GhzJPJvYkGFWe0+vbsUYigfU6OB7fpsvZh6GP3dYB9g="),
    ("你好", b"UKheN9KmjZEOcj7ZdGedvw=="),
    ("[语音]", b"QhGXlpFjvMFUNrtl1aaPzA=="),
    ("[呵呵]", b"/C4F90KIxNwdAfm0o24fhQ=="),
    ("\U0001f600", b"JY6zvGh+Pftwlm2lDS+Jiw=="),
    ("\0", b"gjDkFqTvJ2rbU+j/zJB3Gg=="),
    (
        "&$#@~^@[{:http://127.0.0.1:8700/g0/000/000/1_2_10x20.png:}]&$~@#@",
        b"dgjzZcuwYVvgiMtBlzoa8eN8fHjZTwqiCiw3dkhroNlgWvbStGyOmNWgcXkdU/jW"
        b"wqZ9zLkdSqrO9AaOD3Y1fAF+1vVTpzngtxcVWcG0i3k=",
    ),
]
ANDROID_SMILE = (bytes.fromhex("eda0bdedb880"), b"UmPt3lrb+bibYmsCmIqUcQ==")


@pytest.mark.parametrize(("text", "data"), TEXTS)
def test_a_text_is_encrypted_as_the_original_does(text: str, data: bytes) -> None:
    assert cipher.encrypt_text(text, KEY) == data


@pytest.mark.parametrize(("text", "data"), TEXTS)
def test_a_text_of_the_original_is_decrypted(text: str, data: bytes) -> None:
    assert cipher.decrypt_text(data, KEY) == text


def test_bytes_of_android_are_encrypted_as_they_are() -> None:
    clear, data = ANDROID_SMILE

    assert cipher.encrypt(clear, KEY) == data


def test_surrogate_pairs_of_android_become_one_character() -> None:
    assert cipher.decrypt_text(ANDROID_SMILE[1], KEY) == "\U0001f600"


@pytest.mark.parametrize(
    ("clear", "text"),
    [
        (b"x" + ANDROID_SMILE[0] * 2 + "你".encode(), "x\U0001f600\U0001f600你"),
        (b"a\xc0\x80b", "a\0b"),
        (b"a\xffb", "a\ufffdb"),
        (ANDROID_SMILE[0] + b"\xff", "\U0001f600\ufffd"),
    ],
)
def test_text_that_is_not_quite_utf8_stays_readable(clear: bytes, text: str) -> None:
    assert cipher.decrypt_text(cipher.encrypt(clear, KEY), KEY) == text


def test_a_lone_surrogate_of_android_does_not_reach_the_caller() -> None:
    text = cipher.decrypt_text(cipher.encrypt(b"a\xed\xa0\xbd", KEY), KEY)

    assert text.encode().startswith(b"a\xef\xbf\xbd")


@pytest.mark.parametrize(
    "data",
    [
        b"nnZSBwfPCz60q69ddmfIJA",
        b"nnZSBwfPCz60q69ddmfIJA===",
        b" nnZSBwfP\r\nCz60q69d\tdmfIJA==\x0b\x0c ",
        b"nnZS=BwfPCz60q69ddmfIJA",
    ],
)
def test_white_space_and_padding_count_nowhere(data: bytes) -> None:
    assert cipher.decrypt_text(data, KEY) == "hello"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", CipherError.EMPTY),
        (b"====", CipherError.NOT_BASE64),
        (b" ", CipherError.NOT_BASE64),
        (b"A", CipherError.NOT_BASE64),
        (b"!!!!", CipherError.NOT_BASE64),
        (b"plain text not base64?", CipherError.NOT_BASE64),
        ("nnZSBwfPCz60q69ddmfIJA==你".encode(), CipherError.NOT_BASE64),
        (b"AAAA", CipherError.NOT_BLOCKS),
        (b"hello", CipherError.NOT_BLOCKS),
        (b"AAAAAAAAAAAAAAAAAAAAAA==", CipherError.BAD_LENGTH),
        (b"zD20IjGlmT5Ts1MF8c+R2Q==", CipherError.BAD_LENGTH),
    ],
)
def test_bad_data_gives_the_error_of_the_original(data: bytes, code: int) -> None:
    with pytest.raises(CipherError) as caught:
        cipher.decrypt(data, KEY)

    assert caught.value.code == code


def test_the_codes_are_those_of_the_original() -> None:
    codes = (
        CipherError.EMPTY,
        CipherError.NOT_BASE64,
        CipherError.NOT_BLOCKS,
        CipherError.BAD_LENGTH,
    )

    assert codes == (-1, -2, -3, -4)
    assert issubclass(CipherError, IMError)


@pytest.mark.parametrize(
    ("data", "clear"),
    [
        (b"B9To4Ht+my9mHoY/d1gH2A==", bytes(15) + b"\x10"),
        (b"e5RnnlJkv4QGnGhkMwfvgA==", b""),
    ],
)
def test_a_length_up_to_the_whole_buffer_is_believed(data: bytes, clear: bytes) -> None:
    assert cipher.decrypt(data, KEY) == clear


def test_nothing_cannot_be_encrypted() -> None:
    with pytest.raises(CipherError) as caught:
        cipher.encrypt_text("", KEY)

    assert caught.value.code == CipherError.EMPTY


@pytest.mark.parametrize("size_bytes", [16, 24, 31, 33])
def test_a_key_of_another_size_is_refused(size_bytes: int) -> None:
    with pytest.raises(ValueError, match="key"):
        cipher.encrypt(b"hello", b"k" * size_bytes)


def test_the_placeholder_of_audio_messages_is_an_encrypted_text() -> None:
    assert cipher.audio_placeholder(KEY) == b"QhGXlpFjvMFUNrtl1aaPzA=="


@given(clear=st.binary(min_size=1, max_size=600), key=st.binary(min_size=32, max_size=32))
def test_decrypting_gives_back_what_was_encrypted(clear: bytes, key: bytes) -> None:
    assert cipher.decrypt(cipher.encrypt(clear, key), key) == clear


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_text_survives_the_way_java_encodes_it(text: str) -> None:
    units = text.encode("utf-16-le")
    pairs = (int.from_bytes(units[i : i + 2], "little") for i in range(0, len(units), 2))
    java = b"".join(chr(unit).encode("utf-8", "surrogatepass") for unit in pairs)

    assert cipher.decrypt_text(cipher.encrypt(java, KEY), KEY) == text


@given(clear=st.binary(min_size=1, max_size=100))
def test_decrypted_bytes_always_are_a_text_that_can_be_sent_on(clear: bytes) -> None:
    text = cipher.decrypt_text(cipher.encrypt(clear, KEY), KEY)

    assert text.encode().decode() == text


@given(data=st.binary(max_size=100) | st.text("+/= AZaz09", max_size=100).map(str.encode))
def test_whatever_a_client_sends_raises_nothing_but_a_cipher_error(data: bytes) -> None:
    with contextlib.suppress(CipherError):
        assert len(cipher.decrypt(data, KEY)) <= len(data)


def _one_by_one(data: bytes) -> str | None:
    try:
        return cipher.decrypt_text(data, KEY)
    except CipherError:
        return None


@given(
    st.lists(
        st.binary(min_size=1, max_size=60).map(lambda clear: cipher.encrypt(clear, KEY))
        | st.binary(max_size=60)
        | st.text("+/= AZaz09", max_size=60).map(str.encode)
        | st.sampled_from([content for _, content in TEXTS])
    )
)
def test_many_texts_at_once_are_what_each_is_alone(contents: list[bytes]) -> None:
    assert cipher.decrypt_texts(contents, KEY) == [_one_by_one(data) for data in contents]
