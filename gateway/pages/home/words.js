/* The words of the list of sales. */

import { addWords, speak } from "../common/i18n.js";

speak(["en", "zh", "fi", "ar"]);
addWords({
  en: {
    "home.brand": "Dropgate", "home.title": "What is on",
    "home.state.announced": "Announced", "home.state.open": "Open", "home.state.paused": "Paused", "home.state.draining": "Last orders", "home.state.closed": "Over",
    "home.from": "from {price}", "home.venue": "{n} place", "home.venues": "{n} places", "home.cities": "{n} cities",
    "home.opens_in": "Next opening in {time}", "home.opens": "Next opening {when}", "home.first_in": "Opens in {time}", "home.first": "Opens {when}",
    "home.room.lobby": "The waiting room is open: take your number.", "home.room.open": "People are being let in now.", "home.room.paused": "Paused for a moment.",
    "home.room.draining": "No new orders.", "home.room.sold_out": "Sold out for now.", "home.room.closed": "Your orders and codes stay on its page.",
    "home.hint.announced": "Not open yet. Its page counts down.", "home.hint.open": "Open.", "home.hint.paused": "Paused for a moment.", "home.hint.draining": "No new orders; what is held can be paid.",
    "home.empty": "Nothing is on yet", "home.empty.text": "A sale is a TOML file and a few CSV files. The example is served with one command, and a sale of your own is taken in with two:",
    "home.empty.more": "All calls are described at",
  },
  zh: {
    "home.brand": "Dropgate", "home.title": "全部活动",
    "home.state.announced": "即将开始", "home.state.open": "进行中", "home.state.paused": "已暂停", "home.state.draining": "即将结束", "home.state.closed": "已结束",
    "home.from": "{price} 起", "home.venue": "{n} 个地点", "home.venues": "{n} 个地点", "home.cities": "{n} 个城市",
    "home.opens_in": "距下一次开售 {time}", "home.opens": "下一次开售：{when}", "home.first_in": "距开售 {time}", "home.first": "{when} 开售",
    "home.room.lobby": "等候室已开放，可以领取号码。", "home.room.open": "正在放行。", "home.room.paused": "暂停片刻。",
    "home.room.draining": "不再接受新订单。", "home.room.sold_out": "暂时售完。", "home.room.closed": "您的订单和取票码仍在活动页面上。",
    "home.hint.announced": "还没有开始，活动页面上有倒计时。", "home.hint.open": "进行中。", "home.hint.paused": "暂停片刻。", "home.hint.draining": "不再接受新订单，已保留的票可以付款。",
    "home.empty": "还没有活动", "home.empty.text": "一个活动由一个 TOML 文件和几个 CSV 文件组成。一条命令即可运行示例，两条命令即可发布您自己的活动：",
    "home.empty.more": "全部接口说明见",
  },
  fi: {
    "home.brand": "Dropgate", "home.title": "Mitä on myynnissä",
    "home.state.announced": "Tulossa", "home.state.open": "Avoinna", "home.state.paused": "Tauolla", "home.state.draining": "Viimeiset tilaukset", "home.state.closed": "Päättynyt",
    "home.from": "alkaen {price}", "home.venue": "{n} paikka", "home.venues": "{n} paikkaa", "home.cities": "{n} kaupunkia",
    "home.opens_in": "Seuraava avaus {time} kuluttua", "home.opens": "Seuraava avaus {when}", "home.first_in": "Avautuu {time} kuluttua", "home.first": "Avautuu {when}",
    "home.room.lobby": "Odotushuone on auki: ota paikkasi.", "home.room.open": "Sisään päästetään nyt.", "home.room.paused": "Hetken tauolla.",
    "home.room.draining": "Ei uusia tilauksia.", "home.room.sold_out": "Toistaiseksi loppuunmyyty.", "home.room.closed": "Tilauksesi ja koodisi säilyvät sen sivulla.",
    "home.hint.announced": "Ei vielä auki. Sen sivu laskee aikaa.", "home.hint.open": "Avoinna.", "home.hint.paused": "Hetken tauolla.", "home.hint.draining": "Ei uusia tilauksia; varatut voi maksaa.",
    "home.empty": "Mitään ei ole vielä myynnissä", "home.empty.text": "Myynti on TOML-tiedosto ja muutama CSV-tiedosto. Esimerkki käynnistyy yhdellä komennolla, ja oma myynti otetaan käyttöön kahdella:",
    "home.empty.more": "Kaikki kutsut kuvataan sivulla",
  },
  ar: {
    "home.brand": "Dropgate", "home.title": "المعروض الآن",
    "home.state.announced": "قريبًا", "home.state.open": "مفتوح", "home.state.paused": "متوقف مؤقتًا", "home.state.draining": "آخر الطلبات", "home.state.closed": "انتهى",
    "home.from": "من {price}", "home.venue": "عدد الأماكن: {n}", "home.venues": "عدد الأماكن: {n}", "home.cities": "عدد المدن: {n}",
    "home.opens_in": "الافتتاح التالي بعد {time}", "home.opens": "الافتتاح التالي {when}", "home.first_in": "يفتح بعد {time}", "home.first": "يفتح {when}",
    "home.room.lobby": "غرفة الانتظار مفتوحة: خذ مكانك.", "home.room.open": "يدخل الناس الآن.", "home.room.paused": "متوقف للحظات.",
    "home.room.draining": "لا طلبات جديدة.", "home.room.sold_out": "نفدت الكمية حاليًا.", "home.room.closed": "تبقى طلباتك ورموزك في صفحته.",
    "home.hint.announced": "لم يُفتح بعد. صفحته تعد تنازليًا.", "home.hint.open": "مفتوح.", "home.hint.paused": "متوقف للحظات.", "home.hint.draining": "لا طلبات جديدة؛ ويمكن دفع المحجوز.",
    "home.empty": "لا شيء معروض بعد", "home.empty.text": "البيع ملف TOML مع بضعة ملفات CSV. يعمل المثال بأمر واحد، ويُضاف بيعك بأمرين:",
    "home.empty.more": "كل الاستدعاءات موصوفة في",
  },
});
