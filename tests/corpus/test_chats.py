"""Chats as messengers export them: many phones, languages and dates; whose replies are learned."""

import json
import time
import zipfile
from pathlib import Path

import pytest

from chatbot.cli import main
from chatbot.config import CorpusConfig
from chatbot.corpus import textfile
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import ReadingLog
from chatbot.corpus.survey import survey
from chatbot.errors import CorpusError

LRM, NNBSP = "\u200e", "\u202f"


def written(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def dumped(folder, name, value, **options):
    return written(folder, name, json.dumps(value, **options))


def said(path):
    """Returns who said what, conversation by conversation."""
    return [
        list(zip(c.speakers, c.turns, strict=True)) if c.speakers else list(c.turns)
        for c in read_conversations(path)
    ]


def pairs_of(path, **settings):
    config = CorpusConfig(without_history=0, **settings)
    prepared = prepare_corpus([CorpusSource(path)], config)
    return {(pair.history[-1], pair.reply) for pair in (*prepared.train, *prepared.validation)}


# WhatsApp: one line for "Hi Ben!" and one for "Hello Anna!", minutes later

TALK = [[("Anna", "Hi Ben!"), ("Ben", "Hello Anna!")]]
STYLES = {
    "Android, United States": "12/31/20, 10:15{n}PM - {}\n12/31/20, 10:17{n}PM - {}",
    "Android, Germany": "31.12.20, 22:15 - {}\n31.12.20, 22:17 - {}",
    "Android, Britain": "31/12/2020, 22:15 - {}\n31/12/2020, 22:17 - {}",
    "Android, India": "31/12/20, 10:15 pm - {}\n31/12/20, 10:17 pm - {}",
    "Android, Spain": "31/12/20 22:15 - {}\n31/12/20 22:17 - {}",
    "Android, Mexico": "31/12/20 10:15{n}p. m. - {}\n31/12/20 10:17{n}p. m. - {}",
    "Android, Brazil": "31/12/2020 22:15 - {}\n31/12/2020 22:17 - {}",
    "Android, Portugal": "31/12/2020 às 22:15 - {}\n31/12/2020 às 22:17 - {}",
    "Android, France": "31/12/2020 à 22:15 - {}\n31/12/2020 à 22:17 - {}",
    "Android, Netherlands": "31-12-2020 22:15 - {}\n31-12-2020 22:17 - {}",
    "Android, Sweden": "2020-12-31 22:15 - {}\n2020-12-31 22:17 - {}",
    "Android, Finland": "31.12.2020 klo 22.15 - {}\n31.12.2020 klo 22.17 - {}",
    "Android, Denmark": "31.12.2020 22.15 - {}\n31.12.2020 22.17 - {}",
    "Android, Hungary": "2020. 12. 31. 22:15 - {}\n2020. 12. 31. 22:17 - {}",
    "Android, Russia": "31.12.2020, 22:15 - {}\n31.12.2020, 22:17 - {}",
    "Android, Turkey": "31.12.2020 22:15 - {}\n31.12.2020 22:17 - {}",
    "Android, China": "2020/12/31 下午10:15 - {}\n2020/12/31 下午10:17 - {}",
    "Android, Taiwan": "2020/12/31 下午10:15 - {}\n2020/12/31 下午10:17 - {}",
    "Android, Japan": "2020/12/31 22:15 - {}\n2020/12/31 22:17 - {}",
    "Android, Korea": "2020. 12. 31. 오후 10:15 - {}\n2020. 12. 31. 오후 10:17 - {}",
    "Android, Vietnam": "22:15, 31/12/2020 - {}\n22:17, 31/12/2020 - {}",
    "Android, Egypt": (
        "\u200f٣١\u200f/١٢\u200f/٢٠٢٠، ١٠:١٥ م - {}\n\u200f٣١\u200f/١٢\u200f/٢٠٢٠، ١٠:١٧ م - {}"
    ),
    "Android, Israel": "31.12.2020, 22:15 - {}\n31.12.2020, 22:17 - {}",
    "Android, Thailand": "31/12/2563 22:15 - {}\n31/12/2563 22:17 - {}",
    "iPhone, United States": "[12/31/20, 10:15:03{n}PM] {}\n[12/31/20, 10:17:44{n}PM] {}",
    "iPhone, Germany": "[31.12.20, 22:15:03] {}\n[31.12.20, 22:17:44] {}",
    "iPhone, Britain": "[31/12/2020, 22:15:03] {}\n[31/12/2020, 22:17:44] {}",
    "iPhone, Spain": "[31/12/20 22:15:03] {}\n[31/12/20 22:17:44] {}",
    "iPhone, Mexico": "[31/12/20, 10:15:03{n}p.m.] {}\n[31/12/20, 10:17:44{n}p.m.] {}",
    "iPhone, China": "[2020/12/31 下午10:15:03] {}\n[2020/12/31 下午10:17:44] {}",
    "iPhone, Denmark": "[31.12.2020 22.15.03] {}\n[31.12.2020 22.17.44] {}",
    "iPhone, Korea": "[2020. 12. 31. 오후 10:15:03] {}\n[2020. 12. 31. 오후 10:17:44] {}",
    "iPhone, Greece": "[31/12/20, 10:15:03 μ.μ.] {}\n[31/12/20, 10:17:44 μ.μ.] {}",
    "iPhone, years ago": "31/12/13 22:15:03: {}\n31/12/13 22:17:44: {}",
    "copied in a browser": "[22:15, 31/12/2020] {}\n[22:17, 31/12/2020] {}",
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_whatsapp_is_read_in_the_style_of_every_phone(tmp_path, style):
    text = style.replace("{n}", NNBSP).format("Anna: Hi Ben!", "Ben: Hello Anna!")
    path = written(tmp_path, "whatever.csv", text + "\n")
    assert said(path) == TALK
    assert survey(path).format_key == "whatsapp"


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_a_whatsapp_message_may_have_several_lines_in_every_style(tmp_path, style):
    text = style.replace("{n}", NNBSP).format("Anna: Hi!\n\n1. eggs\n2. milk", "Ben: Ok: done")
    assert said(written(tmp_path, "a.txt", text)) == [
        [("Anna", "Hi!\n\n1. eggs\n2. milk"), ("Ben", "Ok: done")]
    ]


ANDROID = """\
12/31/20, 10:14 PM - Messages and calls are end-to-end encrypted. No one outside of this chat, \
not even WhatsApp, can read or listen to them. Tap to learn more.
12/31/20, 10:14 PM - Anna created group "Us: all"
12/31/20, 10:15 PM - Anna: Shall we go?
12/31/20, 10:15 PM - +44 7700 900123: I'm in
12/31/20, 10:16 PM - Anna changed the subject from “Us: all” to “We: all”
12/31/20, 10:16 PM - Ben Müller: me too <This message was edited>
12/31/20, 10:17 PM - Anna: <Media omitted>
12/31/20, 10:17 PM - Ben Müller: lovely
12/31/20, 10:18 PM - Anna: IMG-20201231-WA0003.jpg (file attached)
This is the hill
12/31/20, 10:18 PM - Ben Müller: You deleted this message
12/31/20, 10:19 PM - Ben Müller: null
12/31/20, 10:19 PM - Anna: Bye: see you!
"""


def test_notices_media_and_deleted_messages_of_whatsapp_are_not_said_by_anybody(tmp_path):
    log = ReadingLog()
    path = written(tmp_path, "a.txt", ANDROID)
    (conversation,) = read_conversations(path, log)
    assert list(zip(conversation.speakers, conversation.turns, strict=True)) == [
        ("Anna", "Shall we go?"),
        ("+44 7700 900123", "I'm in"),
        ("Ben Müller", "me too"),
        ("Anna", ""),
        ("Ben Müller", "lovely"),
        ("Anna", "This is the hill"),
        ("Ben Müller", ""),
        ("Ben Müller", ""),
        ("Anna", "Bye: see you!"),
    ]
    assert log.notes == {
        "a.txt: notices such as who joined, left out": 3,
        "a.txt: photos, calls and deleted messages, left out": 3,
    }


@pytest.mark.parametrize(
    "name", ['Tom "TJ" Jones', "Tom “TJ” Jones", "Tom «TJ» Jones", "「TJ」", "Tom „TJ“ Jones"]
)
def test_a_contact_of_whatsapp_may_have_a_nickname_in_quotation_marks(tmp_path, name):
    text = f"31/12/20, 22:15 - Anna: Hi!\n31/12/20, 22:16 - {name}: Say: “hello”\n"
    (talk,) = said(written(tmp_path, "a.txt", text))
    assert talk == [("Anna", "Hi!"), (name, "Say: “hello”")]


@pytest.mark.parametrize(
    "notice",
    [
        'Anna changed the subject to "Party: tonight"',
        'Anna changed the subject from "Party" to "Party: tonight"',
        "Anna changed the subject from “Party” to “Party: tonight”",
        "Anna hat den Betreff zu „Party: heute“ geändert",
    ],
)
def test_a_colon_in_quotation_marks_ends_no_name_of_whatsapp(tmp_path, notice):
    text = f"31/12/20, 22:15 - Anna: Hi!\n31/12/20, 22:16 - {notice}\n31/12/20, 22:17 - Ben: Yes\n"
    assert said(written(tmp_path, "a.txt", text)) == [[("Anna", "Hi!"), ("Ben", "Yes")]]


@pytest.mark.parametrize("part", ['"', '"a" ', '"a', "“a” “", "a"])
def test_a_long_line_of_whatsapp_is_read_in_no_time(tmp_path, part):
    text = f"31/12/20, 22:15 - Anna: Hi!\n31/12/20, 22:16 - {part * 100_000}\n"
    path = written(tmp_path, "a.txt", text)
    start = time.perf_counter()
    assert said(path) == [[("Anna", "Hi!")]]
    assert time.perf_counter() - start < 5


def test_what_answers_a_photo_is_not_learned_as_an_answer_to_the_words_before_it(tmp_path):
    pairs = pairs_of(written(tmp_path, "a.txt", ANDROID))
    assert ("Shall we go?", "I'm in") in pairs
    assert ("I'm in", "me too") in pairs
    assert not any(reply == "lovely" for _, reply in pairs)


@pytest.mark.parametrize(
    "text",
    [
        "<Medien ausgeschlossen>",
        "<Multimedia omitido>",
        "<Médias omis>",
        "<Mídia oculta>",
        "<Media weggelaten>",
        "<Без медиафайлов>",
        "<省略多媒体文件>",
        "<メディアは含まれていません>",
        "<미디어 파일 제외됨>",
        "图片已忽略",
        "忽略视频",
        "image omitted",
        "Contact card omitted",
        "Bild weggelassen",
        "imagen omitida",
        "This message was deleted",
        "This message was deleted by admin Ben",
        "Diese Nachricht wurde gelöscht.",
        "Se eliminó este mensaje.",
        "Ce message a été supprimé",
        "Questo messaggio è stato eliminato",
        "Mensagem apagada",
        "Dit bericht is verwijderd",
        "Данное сообщение удалено",
        "此消息已删除",
        "您已删除这条消息",
        "このメッセージは削除されました",
        "삭제된 메시지입니다.",
        "تم حذف هذه الرسالة",
        "VID-20201231-WA0003.mp4 (Datei angehängt)",
        "文档.pdf (文件附件)",
        "Live location: https://maps.google.com/?q=51.5,-0.12",
    ],
)
def test_media_and_deleted_messages_are_told_in_many_languages(tmp_path, text):
    chat = f"31.12.20, 22:15 - Anna: Hi!\n31.12.20, 22:16 - Ben: {text}\n"
    assert said(written(tmp_path, "a.txt", chat)) == [[("Anna", "Hi!"), ("Ben", "")]]


@pytest.mark.parametrize(
    "text", ["I <3 you", "<3", "忽略他", "That was omitted by me yesterday", "(file) attached?"]
)
def test_what_only_looks_like_media_is_said(tmp_path, text):
    chat = f"31.12.20, 22:15 - Anna: Hi!\n31.12.20, 22:16 - Ben: {text}\n"
    assert said(written(tmp_path, "a.txt", chat)) == [[("Anna", "Hi!"), ("Ben", text)]]


@pytest.mark.parametrize(
    "mark",
    [
        "<This message was edited>",
        "<Diese Nachricht wurde bearbeitet.>",
        "<Se editó este mensaje.>",
        "<Сообщение изменено>",
        "<此消息已编辑>",
        f"{LRM}<This message was edited>",
    ],
)
def test_the_mark_of_an_edited_message_is_left_off(tmp_path, mark):
    chat = f"31.12.20, 22:15 - Anna: Hi!\n31.12.20, 22:16 - Ben: Hello {mark}\n"
    assert said(written(tmp_path, "a.txt", chat))[0][1] == ("Ben", "Hello")


def test_what_an_iphone_says_itself_is_told_by_its_mark_in_any_language(tmp_path):
    chat = (
        f"[31/12/20, 22:15:00] Wij: {LRM}Berichten en oproepen worden versleuteld.\n"
        "[31/12/20, 22:15:03] ~\u202fAnna: Hoi\n"
        f"{LRM}[31/12/20, 22:15:09] ~\u202fAnna: {LRM}afbeelding weggelaten\n"
        f"{LRM}[31/12/20, 22:16:09] Ben: kijk {LRM}<bijgevoegd: 0001-PHOTO.jpg>\n"
        f"[31/12/20, 22:16:19] Ben: goed zo? {LRM}<Dit bericht is bewerkt>\n"
    )
    path = written(tmp_path, "_chat.txt", chat)
    assert said(path) == [
        [("Wij", ""), ("Anna", "Hoi"), ("Anna", ""), ("Ben", "kijk"), ("Ben", "goed zo?")]
    ]
    assert [speaker.name for speaker in survey(path).speakers] == ["Ben", "Anna"]


def test_a_chat_is_cut_where_it_was_silent_for_six_hours_with_12_hour_clocks_too(tmp_path):
    chat = (
        "12/31/20, 11:30 AM - Anna: one\n12/31/20, 12:30 PM - Ben: two\n"
        "12/31/20, 11:59 PM - Anna: three\n1/1/21, 12:05 AM - Ben: four\n"
    )
    turns = [c.turns for c in read_conversations(written(tmp_path, "a.txt", chat))]
    assert turns == [("one", "two"), ("three", "four")]


def test_days_and_months_are_told_apart_as_soon_as_one_is_above_twelve(tmp_path):
    chat = (
        "12/31/20, 11:30 PM - Anna: one\n1/1/21, 12:30 AM - Ben: two\n1/1/21, 1:30 AM - Anna: a\n"
    )
    assert len(said(written(tmp_path, "a.txt", chat))) == 1


def test_a_chat_that_is_never_silent_is_still_cut(tmp_path):
    lines = [f"31.12.20, 22:15 - {'Anna' if i % 2 else 'Ben'}: message {i}" for i in range(1200)]
    conversations = said(written(tmp_path, "a.txt", "\n".join(lines)))
    assert len(conversations) == 3
    assert sum(map(len, conversations)) == 1200


def test_the_archive_that_an_iphone_exports_is_read_as_it_is(tmp_path):
    chat = "[31/12/20, 22:15:03] Anna: Hi Ben!\n[31/12/20, 22:16:03] Ben: Hello Anna!\n"
    path = tmp_path / "WhatsApp Chat - Ben.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("00001-PHOTO.jpg", b"\xff\xd8\xff")
        archive.writestr("_chat.txt", chat)
    assert said(path) == TALK
    assert survey(path).format == "WhatsApp chat"


def test_a_list_with_dates_is_no_whatsapp_chat(tmp_path):
    text = "2020-12-31 22:15 - the year ends\nDid it?\n\nIt did.\nGood.\n"
    assert survey(written(tmp_path, "a.txt", text)).format_key == "text"


# Telegram


def telegram_message(number, sender, text, minute, **more):
    return {
        "id": number,
        "type": "message",
        "date": f"2020-12-31T22:{minute:02}:00",
        "date_unixtime": "1609452900",
        "from": sender,
        "from_id": f"user{sender}",
        "text": text,
        "text_entities": [],
        **more,
    }


TELEGRAM = {
    "name": "Ben",
    "type": "personal_chat",
    "id": 4711,
    "messages": [
        {"id": 1, "type": "service", "date": "2020-12-31T22:00:00", "action": "phone_call"},
        telegram_message(2, "Anna", "Hi Ben!", 1),
        telegram_message(3, "Anna", ["See ", {"type": "link", "text": "example.org"}, "!"], 2),
        telegram_message(4, "Ben", "", 3, photo="(File not included.)"),
        telegram_message(5, "Ben", "你好", 4),
        telegram_message(6, None, "Who am I?", 5, from_id="user77"),
        telegram_message(7, "Ben", "News!", 6, forwarded_from="A channel"),
    ],
}
TELEGRAM_SAID = [
    ("Anna", "Hi Ben!"),
    ("Anna", "See example.org!"),
    ("Ben", ""),
    ("Ben", "你好"),
    ("user77", "Who am I?"),
    ("Ben", ""),
]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_telegram_chat_is_read(tmp_path, indent):
    path = dumped(tmp_path, "result.json", TELEGRAM, indent=indent, ensure_ascii=False)
    assert said(path) == [TELEGRAM_SAID]
    assert survey(path).format_key == "telegram"


def test_all_chats_of_a_telegram_account_are_read_and_not_mixed(tmp_path):
    other = {
        "name": "Cleo",
        "type": "private_group",
        "id": 1,
        "messages": TELEGRAM["messages"][1:3],
    }
    account = {
        "about": "Here is the data you requested.",
        "personal_information": {
            "user_id": 1,
            "first_name": "Anna",
            "bio": 'He said "messages": [',
        },
        "contacts": {"about": "…", "list": [{"first_name": "Ben", "date": "2020"}]},
        "chats": {"about": "This page lists all chats", "list": [TELEGRAM, other]},
        "left_chats": {"about": "…", "list": []},
    }
    path = dumped(tmp_path, "export.txt", account, indent=1)
    first, second = said(path)
    assert (first, second) == (TELEGRAM_SAID, TELEGRAM_SAID[:2])


def test_a_telegram_chat_that_breaks_off_is_an_error_that_names_the_line(tmp_path):
    text = json.dumps(TELEGRAM, indent=1)
    path = written(tmp_path, "result.json", text[: len(text) * 2 // 3])
    with pytest.raises(CorpusError, match=r"result\.json line \d+ is no valid JSON"):
        said(path)


# Discord


def discord_message(number, author, content, **more):
    account, name, nickname = author
    return {
        "id": str(number),
        "type": "Default",
        "timestamp": f"2020-12-31T22:15:{number:02}.123+00:00",
        "content": content,
        "author": {"id": account, "name": name, "nickname": nickname, "isBot": False},
        **more,
    }


def test_a_discord_channel_is_read_and_renamed_members_stay_the_same(tmp_path):
    anna, renamed, other = ("1", "anna", "Anna"), ("1", "anna", "Queen"), ("2", "other", "Anna")
    export = {
        "guild": {"id": "9", "name": "Us"},
        "channel": {"id": "8", "type": "GuildTextChat", "name": "general"},
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2021-01-01T00:00:00+00:00",
        "messages": [
            discord_message(1, other, "", type="GuildMemberJoin"),
            discord_message(2, anna, "Hi all!"),
            discord_message(3, other, "Hello.", type="Reply", reference={"messageId": "2"}),
            discord_message(4, renamed, "", attachments=[{"url": "x.png"}]),
            discord_message(5, renamed, "It is me"),
        ],
        "messageCount": 5,
    }
    path = dumped(tmp_path, "Us - general [8].json", export, indent=2)
    assert said(path) == [
        [("Anna", "Hi all!"), ("Anna (2)", "Hello."), ("Anna", ""), ("Anna", "It is me")]
    ]
    assert survey(path).format_key == "discord"


# Messenger


def as_facebook_writes(text):
    """Facebook writes each byte of UTF-8 as a character."""
    return text.encode().decode("latin-1")


def test_messenger_is_turned_round_and_its_broken_letters_are_mended(tmp_path):
    def message(sender, content, minute, **more):
        return {
            "sender_name": as_facebook_writes(sender),
            "timestamp_ms": 1609452000000 + minute * 60_000,
            "content": as_facebook_writes(content),
            "type": "Generic",
            **more,
        }

    photo = message("Zoë", "", 3, photos=[{"uri": "a.jpg"}])
    del photo["content"]
    export = {
        "participants": [{"name": as_facebook_writes("Zoë")}, {"name": "Ben"}],
        "messages": [
            message("Ben", "Reacted 👍 to your message ", 6),
            message("Zoë", "You sent an attachment.", 5),
            message("Ben", "A café? 好", 4),
            photo,
            message("Zoë", "", 2, type="Call", call_duration=10),
            message("Zoë", "Où ça?", 1),
        ],
        "title": "Ben",
        "thread_path": "inbox/ben_1",
    }
    path = dumped(tmp_path, "message_1.json", export, indent=2)
    assert said(path) == [
        [("Zoë", "Où ça?"), ("Zoë", ""), ("Ben", "A café? 好"), ("Zoë", ""), ("Ben", "")]
    ]
    assert survey(path).format_key == "messenger"


def test_an_encrypted_messenger_chat_is_read(tmp_path):
    def message(sender, text, minute):
        return {
            "senderName": sender,
            "text": text,
            "timestamp": 1609452000000 + minute * 60_000,
            "type": "text",
            "isUnsent": text == "gone",
        }

    export = {
        "participants": ["Zoë", "Ben"],
        "threadName": "Ben_1",
        "messages": [
            message("Ben", "gone", 3),
            message("Ben", "Hi", 2),
            message("Zoë", "Ça va?", 1),
        ],
    }
    path = dumped(tmp_path, "Ben_1.json", export, ensure_ascii=False)
    assert said(path) == [[("Zoë", "Ça va?"), ("Ben", "Hi"), ("Ben", "")]]


# QQ

QQ = """\
消息记录（此消息记录为文本格式，不支持重新导入）

================================================================
消息分组:我的好友
================================================================
消息对象:小明
================================================================

2023-01-02 12:34:56 小明
在吗？
晚上吃什么

2023-01-02 12:35:10 我
[图片]

2023-01-02 12:35:20 我
火锅[表情]

================================================================
消息分组:我的群聊
================================================================
消息对象:吃货群
================================================================

2023-01-02 8:34:56 系统消息(10000)
小红加入本群。

2023-01-02 8:35:56 小红(12345678)
大家好

2023-01-02 8:36:10 【群主】老王<wang@example.com>
欢迎：新人

2023-01-02 8:37:10 小红不吃辣(12345678)
谢谢

2023-01-02 下午 8:37:10 小红不吃辣(12345678)
晚安
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_qq_is_read_chat_by_chat_in_any_encoding(tmp_path, encoding):
    path = written(tmp_path, "全部消息记录.txt", QQ, encoding)
    assert said(path) == [
        [("小明", "在吗？\n晚上吃什么"), ("我", ""), ("我", "火锅")],
        [("小红", "大家好"), ("老王", "欢迎：新人"), ("小红", "谢谢")],
        [("小红", "晚安")],
    ]
    assert survey(path).format == "QQ chat"


# Whose replies, and joined or not

GROUP = """\
31.12.20, 22:15 - Anna: Who is coming?
31.12.20, 22:16 - Ben: I am
31.12.20, 22:16 - Ben: with cake
31.12.20, 22:17 - Cleo: Me too
31.12.20, 22:18 - Anna: Good!
31.12.20, 22:19 - Ben: What time?
31.12.20, 22:19 - Cleo: Eight
31.12.20, 22:20 - Anna: Yes, eight
"""


def test_in_a_group_everybody_replies_to_the_speaker_before(tmp_path):
    assert pairs_of(written(tmp_path, "a.txt", GROUP)) == {
        ("Who is coming?", "I am with cake"),
        ("I am with cake", "Me too"),
        ("Me too", "Good!"),
        ("Good!", "What time?"),
        ("What time?", "Eight"),
        ("Eight", "Yes, eight"),
    }


@pytest.mark.parametrize("name", ["Anna", "anna", " ANNA "])
def test_one_speakers_replies_alone_can_be_learned(tmp_path, name):
    path = written(tmp_path, "a.txt", GROUP)
    learned = {("Me too", "Good!"), ("Eight", "Yes, eight")}
    assert pairs_of(path, reply_speaker=name) == learned
    look = survey(path, CorpusConfig(reply_speaker=name))
    assert {(pair.history[-1], pair.reply) for pair in look.pairs} == learned
    assert look.reply_speaker == "Anna"


def test_an_unknown_speaker_is_one_line_that_names_those_there(tmp_path):
    path = written(tmp_path, "a.txt", GROUP)
    with pytest.raises(CorpusError) as caught:
        pairs_of(path, reply_speaker="Dora")
    assert "Nobody called 'Dora'" in str(caught.value)
    assert "Ben, Anna, Cleo" in str(caught.value) or "Anna, Ben, Cleo" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_chosen_speaker_leaves_corpora_alone_that_name_nobody_or_say_whom_to_learn(tmp_path):
    chat = written(tmp_path, "a.txt", GROUP)
    faq = written(tmp_path, "faq.csv", "question,answer\nOpen?,Yes.\n")
    messages = [{"role": "user", "content": "Hey"}, {"role": "assistant", "content": "Hello"}]
    openai = written(tmp_path, "b.jsonl", json.dumps({"messages": messages}))
    config = CorpusConfig(reply_speaker="Anna", without_history=0)
    prepared = prepare_corpus([CorpusSource(p) for p in (chat, faq, openai)], config)
    replies = {pair.reply for pair in (*prepared.train, *prepared.validation)}
    assert replies == {"Good!", "Yes, eight", "Yes.", "Hello"}


def test_messages_in_a_row_may_stay_apart_and_the_nearest_two_are_a_pair(tmp_path):
    pairs = pairs_of(written(tmp_path, "a.txt", GROUP), join_turns=False)
    assert ("Who is coming?", "I am") in pairs
    assert ("with cake", "Me too") in pairs
    assert not any("I am with cake" in pair for pair in pairs)


# A first look


def test_a_survey_counts_those_who_speak_and_shows_real_pairs(tmp_path):
    look = survey(written(tmp_path, "a.txt", GROUP), pairs=2)
    assert (look.name, look.format, look.columns) == ("a.txt", "WhatsApp chat", ())
    assert {(speaker.name, speaker.turns) for speaker in look.speakers} == {
        ("Ben", 3),
        ("Anna", 3),
        ("Cleo", 2),
    }
    assert [(pair.history[-1], pair.reply) for pair in look.pairs] == [
        ("Who is coming?", "I am with cake"),
        ("I am with cake", "Me too"),
    ]
    assert look.is_whole
    assert look.reply_speaker is None


def test_a_survey_of_a_file_without_the_chosen_speaker_tells_and_shows_nothing(tmp_path):
    look = survey(written(tmp_path, "a.txt", GROUP), CorpusConfig(reply_speaker="Dora"))
    assert look.pairs == ()
    assert any("Nobody called 'Dora'" in note for note in look.notes)


def test_a_survey_masks_private_details_when_told_to(tmp_path):
    chat = "31.12.20, 22:15 - Anna: Your mail?\n31.12.20, 22:16 - Ben: ben@example.com please\n"
    path = written(tmp_path, "a.txt", chat)
    assert survey(path, CorpusConfig(mask_private=True)).pairs[0].reply == "[e-mail] please"


def test_a_survey_of_a_large_chat_reads_its_beginning_only(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_PEEK_BYTES", 1024**2)
    lines = [f"31.12.20, 22:15 - {'Anna' if i % 2 else 'Ben'}: message {i}" for i in range(50_000)]
    path = written(tmp_path, "a.txt", "\n".join(lines) + "\n" + "x" * 10_000_000)
    look = survey(path)
    assert not look.is_whole
    assert sum(speaker.turns for speaker in look.speakers) < 25_000


def test_a_folder_of_chats_is_surveyed_together(tmp_path):
    written(tmp_path, "a.txt", GROUP)
    dumped(tmp_path, "result.json", TELEGRAM)
    look = survey(Path(tmp_path))
    assert look.format_key == "folder"
    assert {speaker.name for speaker in look.speakers} >= {"Cleo", "user77"}


def test_the_terminal_shows_what_a_file_is_and_who_speaks(tmp_path, capsys):
    path = written(tmp_path, "a.txt", GROUP.replace("Cleo", "[bold]Cleo"))
    assert main(["corpus", "inspect", str(path), "--set", "corpus.reply_speaker=Ben"]) == 0
    shown = capsys.readouterr().out
    assert "a.txt: WhatsApp chat" in shown
    assert "[bold]Cleo" in shown
    assert main(["corpus", "inspect", str(path), "--json"]) == 0
    (look,) = json.loads(capsys.readouterr().out)["surveys"]
    assert {speaker["name"] for speaker in look["speakers"]} == {"Anna", "Ben", "[bold]Cleo"}
