"""The texts of the owner's door, and what a visitor reads where the owner's work is asked for."""

EN = {
    "owner_only": "Only the owner may do this. Come in by the owner's link or password first.",
    "owner_title": "The owner of this page",
    "owner_back": "To the chat",
    "owner_password": "Owner's password",
    "owner_enter": "Come in",
    "owner_leave": "Log out",
    "owner_are": "You are the owner in this browser.",
    "owner_again": "This form is too old, or came from another page. Please send it again.",
    "owner_wrong": "Wrong password. Each wrong try slows down the next, now by {seconds} s.",
    "owner_crowded": "Several tries are still waiting, as passwords were wrong. "
    "Try again in {seconds} s.",
    "owner_no_password": "There is no owner's password, so the owner comes in by the link in the "
    "terminal, on the computer where this program runs. For a password, start it with "
    "--owner-password, or set CHATBOT_OWNER_PASSWORD.",
    "owner_not_by_link": "The public link gives the chat alone. The owner comes in on the computer "
    "where this program runs, or by its own address.",
    "owner_link_elsewhere": "The owner's link works only on the computer where this program runs. "
    "From elsewhere, start it with --owner-password and open /owner.",
    "owner_link_spent": "This owner's link was used already, or is wrong. "
    "The terminal where the program runs has just shown the one that works.",
    "visitor_limit": "You can send {limit} messages a minute here. Wait a moment, then send it "
    "again.",
    "visitors_limit": "Too many people are writing at once. Wait a moment, then send it again.",
}

ZH = {
    "owner_only": "只有主人才能这样做。请先用主人链接或密码进入。",
    "owner_title": "本页面的主人",
    "owner_back": "去聊天",
    "owner_password": "主人密码",
    "owner_enter": "进入",
    "owner_leave": "退出",
    "owner_are": "你在这个浏览器里是主人。",
    "owner_again": "这个表单太旧了，或者来自别的页面。请再提交一次。",
    "owner_wrong": "密码不对。每错一次，下一次就要多等，现在是 {seconds} 秒。",
    "owner_crowded": "密码错了几次，还有几次尝试在等待。请过 {seconds} 秒再试。",
    "owner_no_password": "没有设置主人密码，主人要在运行本程序的电脑上用终端里的链接进入。"
    "想用密码，请用 --owner-password 启动，或设置 CHATBOT_OWNER_PASSWORD。",
    "owner_not_by_link": "公开链接只能聊天。主人请在运行本程序的电脑上，或用它自己的地址进入。",
    "owner_link_elsewhere": "主人链接只在运行本程序的电脑上有效。"
    "想从别处进入，请用 --owner-password 启动，再打开 /owner。",
    "owner_link_spent": "这个主人链接已经用过，或者不对。运行程序的终端刚刚显示了可用的链接。",
    "visitor_limit": "这里每分钟最多发 {limit} 条消息。请稍等再发。",
    "visitors_limit": "现在写消息的人太多了。请稍等再发。",
}
