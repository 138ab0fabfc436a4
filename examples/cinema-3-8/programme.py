"""What the made-up chain shows on 8 March: cinemas, halls, screenings, and the drop of each.

Cinemas, films and codes are made up; the cities are real.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
SHOW_DAY = datetime(2014, 3, 8, tzinfo=CHINA)
FIRST_DROP_DAY = datetime(2014, 3, 5, tzinfo=CHINA)
DROP_HOURS = (10, 14, 20)
PRICE_MINOR = 380
WHOLE, PARTIAL = 25, 118
# The first drop is small, so that a rehearsal's crowd can sell it out.
FIRST_DROP_CINEMAS, FIRST_DROP_UNITS_PER_CINEMA = 12, 560
OUTSIDE_CINEMAS, BOUGHT_AHEAD_CINEMAS = 6, 3
HALL_PLANS = 40
ALLOTTED_PER_OFFER = 100
BOUGHT_AHEAD_SCREENINGS = 3
CLEANING = timedelta(minutes=20)
LAST_START = timedelta(hours=22, minutes=45)
FILMS = (
    *(("春日来信", 98), ("远山", 104), ("夜航船", 112), ("纸飞机", 95), ("最后一站", 107)),
    *(("海边的钟", 101), ("十二封电报", 118), ("小镇气象员", 93), ("长街", 110)),
)
ROADS = (
    *(("zhongshan", "中山路"), ("renmin", "人民广场"), ("jiefang", "解放路"), ("binjiang", "滨江")),
    *(("xinhua", "新华街"), ("hexi", "河西"), ("dongmen", "东门"), ("xihu", "西湖路")),
    *(("wenhua", "文化宫"), ("gaoxin", "高新区"), ("nanhuan", "南环"), ("beicheng", "北城")),
)
# The largest first: whole cinemas are theirs.
CITIES = tuple(
    line.split()
    for line in """
beijing 北京,shanghai 上海,guangzhou 广州,shenzhen 深圳,chengdu 成都,hangzhou 杭州,wuhan 武汉,
nanjing 南京,chongqing 重庆,tianjin 天津,xian 西安,suzhou 苏州,changsha 长沙,shenyang 沈阳,
qingdao 青岛,dalian 大连,ningbo 宁波,wuxi 无锡,zhengzhou 郑州,jinan 济南,hefei 合肥,fuzhou 福州,
xiamen 厦门,harbin 哈尔滨,changchun 长春,kunming 昆明,nanchang 南昌,nanning 南宁,guiyang 贵阳,
taiyuan 太原,shijiazhuang 石家庄,lanzhou 兰州,urumqi 乌鲁木齐,hohhot 呼和浩特,yinchuan 银川,
haikou 海口,dongguan 东莞,foshan 佛山,changzhou 常州,nantong 南通,wenzhou 温州,jiaxing 嘉兴,
yantai 烟台,weifang 潍坊,tangshan 唐山,luoyang 洛阳,yichang 宜昌,mianyang 绵阳,zhuhai 珠海,
quanzhou 泉州,yangzhou 扬州,xuzhou 徐州,baotou 包头,daqing 大庆,anshan 鞍山,zhuzhou 株洲,
liuzhou 柳州,zunyi 遵义,wuhu 芜湖,ganzhou 赣州
""".replace("\n", "").split(",")
)


@dataclass(frozen=True)
class Dice:
    """Draws that depend on the seed and on the name of what is drawn, and on nothing else."""

    seed: int

    def below(self, limit: int, *name: object) -> int:
        """A number from 0 to limit - 1."""
        text = "/".join(map(str, (self.seed, *name))).encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8]) % limit


@dataclass(frozen=True)
class Hall:
    """A hall's plan: rows in order of preference, each with its runs of seats between aisles."""

    id: str
    rows: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]

    @property
    def labels(self) -> list[str]:
        """All seats."""
        return [
            f"{row}{number}"
            for row, runs in self.rows
            for first, last in runs
            for number in range(first, last + 1)
        ]


@dataclass(frozen=True)
class Screening:
    """One offer."""

    venue: str
    hall: Hall
    hall_number: int
    film: str
    starts_at: datetime
    ends_at: datetime
    drop: int
    supply: str = "file"
    codes: str = "minted"

    @property
    def id(self) -> str:
        """The offer's id: cinema, hall, time."""
        return f"{self.venue}.h{self.hall_number}.{self.starts_at:%H%M}"


def make_halls(dice: Dice) -> list[Hall]:
    """Plans of 60 to 300 seats, small ones first."""
    halls = []
    for number in range(HALL_PLANS):
        rows = 8 + number // 8 + dice.below(2, "rows", number)
        width = 9 + (number * 13) // HALL_PLANS + dice.below(2, "width", number)
        halls.append(_hall(f"plan-{number + 1:02d}", rows, width))
    return halls


def _hall(hall_id: str, row_count: int, width: int) -> Hall:
    names = "ABCDEFGHJKLMNPQRSTUVWXYZ"[:row_count]
    side = width // 5 if width >= 18 else 0
    middle = width // 2 if 13 <= width < 18 else 0
    rows = []
    for depth, name in enumerate(names):
        # Front rows are a seat shorter on both ends.
        first, last = (2, width - 1) if depth < 2 else (1, width)
        runs: tuple[tuple[int, int], ...]
        if side:
            runs = ((first, side), (side + 1, width - side), (width - side + 1, last))
        elif middle:
            runs = ((first, middle), (middle + 1, last))
        else:
            runs = ((first, last),)
        rows.append((abs(depth - 0.62 * (row_count - 1)), depth, name, runs))
    return Hall(hall_id, tuple((name, runs) for _, _, name, runs in sorted(rows)))


def make_venues(dice: Dice) -> list[tuple[str, str, str, bool]]:
    """Id, title, city and wholeness of each cinema; whole ones in the largest cities."""
    venues = []
    for number in range(WHOLE + PARTIAL):
        whole = number < WHOLE
        cities = CITIES[:10] if whole else CITIES
        place = number if whole else number - WHOLE
        city, city_title = cities[place % len(cities)]
        # Two cinemas of one city never share a road: the offsets keep the two kinds apart.
        turn = place // len(cities) + (0 if whole else 3)
        start = dice.below(len(ROADS), "road", city)
        road, road_title = ROADS[(start + turn) % len(ROADS)]
        venues.append((f"{city}-{road}", f"{city_title}{road_title}影城", city_title, whole))
    return venues


def make_screenings(dice: Dice, halls: list[Hall]) -> list[Screening]:
    """All screenings of 8 March; the drop of each is given by `deal_drops` afterwards."""
    screenings = []
    for venue, _, _, whole in make_venues(dice):
        count = 6 + dice.below(3, "halls", venue) if whole else 1 + dice.below(3, "halls", venue)
        for hall_number in range(1, count + 1):
            at = SHOW_DAY + timedelta(hours=9, minutes=5 * dice.below(12, venue, hall_number))
            # Larger halls are likelier: the better of two draws.
            draws = [dice.below(len(halls), venue, hall_number, turn) for turn in (1, 2)]
            while at <= SHOW_DAY + LAST_START:
                film, minutes = FILMS[dice.below(len(FILMS), venue, hall_number, at)]
                ends_at = at + timedelta(minutes=minutes)
                screenings.append(
                    Screening(venue, halls[max(draws)], hall_number, film, at, ends_at, -1)
                )
                busy = ends_at + CLEANING - SHOW_DAY
                at = SHOW_DAY + timedelta(minutes=5 * -(-busy // timedelta(minutes=5)))
    return screenings


def deal_drops(dice: Dice, screenings: list[Screening]) -> list[Screening]:
    """Give each screening its drop, and its source of units and codes."""
    partial = [venue for venue, _, _, whole in make_venues(dice) if not whole]
    partial.sort(key=lambda venue: dice.below(2**60, "order", venue))
    first = partial[:FIRST_DROP_CINEMAS]
    ahead = set(partial[1:2] + partial[-BOUGHT_AHEAD_CINEMAS + 1 :])
    outside = {partial[0], partial[2], *partial[FIRST_DROP_CINEMAS:][:4]}
    assert len(ahead) == BOUGHT_AHEAD_CINEMAS
    assert len(outside) == OUTSIDE_CINEMAS
    in_first = dict.fromkeys(first, 0)
    bought_ahead = dict.fromkeys((venue for venue, *_ in make_venues(dice)), 0)
    dealt = []
    for screening in screenings:
        venue, seats = screening.venue, len(screening.hall.labels)
        drop = 1 + dice.below(8, "drop", screening.id)
        if venue in in_first and in_first[venue] + seats <= FIRST_DROP_UNITS_PER_CINEMA:
            in_first[venue] += seats
            drop = 0
        supply = "file"
        # The back end of a cinema that is bought ahead is slow: a few screenings are enough.
        may_buy = venue not in in_first and bought_ahead[venue] < BOUGHT_AHEAD_SCREENINGS
        if venue in ahead and (drop == 0 or may_buy):
            supply = "venue"
            bought_ahead[venue] += 1
        codes = "outside" if venue in outside or supply == "venue" else "minted"
        dealt.append(replace(screening, drop=drop, supply=supply, codes=codes))
    return dealt


def drop_opens_at(number: int) -> datetime:
    """When a drop opens: three days, three times a day."""
    return FIRST_DROP_DAY + timedelta(days=number // 3, hours=DROP_HOURS[number % 3])


def drop_id(number: int) -> str:
    """`mar5-1000` and so on."""
    opens_at = drop_opens_at(number)
    return f"mar{opens_at.day}-{opens_at:%H%M}"


def make_codes(dice: Dice, screenings: list[Screening]) -> list[tuple[str, str, str]]:
    """Offer, seat and code of every imported code: twelve digits, no two the same."""
    taken: set[int] = set()
    lines = []
    for screening in screenings:
        if screening.codes != "outside" or screening.supply != "file":
            continue
        for seat in screening.hall.labels:
            turn = 0
            while (code := dice.below(10**12, "code", screening.id, seat, turn)) in taken:
                turn += 1
            taken.add(code)
            lines.append((screening.id, seat, f"{code // 10**6:06d}-{code % 10**6:06d}"))
    return lines


def make_allotments(dice: Dice, screenings: list[Screening]) -> list[tuple[str, str, str, int]]:
    """Allotment, partner, offer and quantity: 400 units of the first drop, more of later ones."""
    lines = []
    plan = ((0, "marketplace", 3, 1), (4, "marketplace", 6, 2), (7, "members-club", 4, 0))
    for drop, partner, minted, outside in plan:
        for codes, count in (("minted", minted), ("outside", outside)):
            fitting = [
                screening
                for screening in screenings
                if screening.drop == drop
                and screening.codes == codes
                and screening.supply == "file"
                and len(screening.hall.labels) >= ALLOTTED_PER_OFFER
            ]
            fitting.sort(key=lambda screening: dice.below(2**60, "allotted", screening.id))
            lines += [
                (f"{partner}.{s.id}", partner, s.id, ALLOTTED_PER_OFFER) for s in fitting[:count]
            ]
            assert len(fitting) >= count
    return lines
