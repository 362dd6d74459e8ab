"""The texts of the thumbs under each reply."""

EN = {
    "feedback_better": "What should it have said?",
    "feedback_hint": "Write a better answer. The owner reads it before the bot learns it.",
    "feedback_about": "Instead of “{reply}”",
    "feedback_send": "Suggest this answer",
    "feedback_cancel": "Not now",
    "feedback_thanks": "Thank you.",
    "feedback_thanks_better": "Thank you. The owner will read your answer.",
    "feedback_empty": "Write the better answer first.",
    "feedback_failed": "This could not be kept, because the records cannot be written just now. "
    "Please try again later.",
    "feedback_lost": "The page was restarted meanwhile. Press the thumb under the reply again.",
    "feedback_note": "This is a note of the page and no reply.",
}

ZH = {
    "feedback_better": "它应该怎么说？",
    "feedback_hint": "写一个更好的回答。主人看过之后，机器人才会学。",
    "feedback_about": "代替“{reply}”",
    "feedback_send": "提交更好的回答",
    "feedback_cancel": "暂时不写",
    "feedback_thanks": "谢谢。",
    "feedback_thanks_better": "谢谢，主人会看你的回答。",
    "feedback_empty": "请先写下更好的回答。",
    "feedback_failed": "暂时无法写入记录，没有保存。请稍后再试。",
    "feedback_lost": "页面刚刚重启过。请再按一次那条回答下面的拇指。",
    "feedback_note": "这是页面的提示，不是回答。",
}
