// The languages that are there beside English, made when somebody asks for them.
(function (moment, kit) {
  "use strict";
  const offer = kit.offerLocale;
  const week = { dow: 1, doy: 4 };
  const times = { LT: "HH:mm", LTS: "HH:mm:ss" };
  const exact = { monthsParseExact: true, weekdaysParseExact: true };

  const german = (number, bare, key) => {
    const [alone, inside] = {
      m: ["eine Minute", "einer Minute"], h: ["eine Stunde", "einer Stunde"], d: ["ein Tag", "einem Tag"],
      dd: [number + " Tage", number + " Tagen"], w: ["eine Woche", "einer Woche"], M: ["ein Monat", "einem Monat"],
      MM: [number + " Monate", number + " Monaten"], y: ["ein Jahr", "einem Jahr"], yy: [number + " Jahre", number + " Jahren"],
    }[key];
    return bare ? alone : inside;
  };
  offer("de", () => ({
    months: "Januar_Februar_März_April_Mai_Juni_Juli_August_September_Oktober_November_Dezember",
    monthsShort: "Jan._Feb._März_Apr._Mai_Juni_Juli_Aug._Sep._Okt._Nov._Dez.",
    monthsParseExact: true,
    weekdays: "Sonntag_Montag_Dienstag_Mittwoch_Donnerstag_Freitag_Samstag",
    weekdaysShort: "So._Mo._Di._Mi._Do._Fr._Sa.",
    weekdaysMin: "So_Mo_Di_Mi_Do_Fr_Sa",
    weekdaysParseExact: true,
    longDateFormat: { ...times, L: "DD.MM.YYYY", LL: "D. MMMM YYYY", LLL: "D. MMMM YYYY HH:mm", LLLL: "dddd, D. MMMM YYYY HH:mm" },
    calendar: { sameDay: "[heute um] LT [Uhr]", sameElse: "L", nextDay: "[morgen um] LT [Uhr]", nextWeek: "dddd [um] LT [Uhr]",
      lastDay: "[gestern um] LT [Uhr]", lastWeek: "[letzten] dddd [um] LT [Uhr]" },
    relativeTime: { future: "in %s", past: "vor %s", s: "ein paar Sekunden", ss: "%d Sekunden", m: german, mm: "%d Minuten",
      h: german, hh: "%d Stunden", d: german, dd: german, w: german, ww: "%d Wochen", M: german, MM: german, y: german, yy: german },
    dayOfMonthOrdinalParse: /\d{1,2}\./,
    ordinal: "%d.",
    week,
  }));

  offer("fr", () => ({
    months: "janvier_février_mars_avril_mai_juin_juillet_août_septembre_octobre_novembre_décembre",
    monthsShort: "janv._févr._mars_avr._mai_juin_juil._août_sept._oct._nov._déc.",
    ...exact,
    weekdays: "dimanche_lundi_mardi_mercredi_jeudi_vendredi_samedi",
    weekdaysShort: "dim._lun._mar._mer._jeu._ven._sam.",
    weekdaysMin: "di_lu_ma_me_je_ve_sa",
    longDateFormat: { ...times, L: "DD/MM/YYYY", LL: "D MMMM YYYY", LLL: "D MMMM YYYY HH:mm", LLLL: "dddd D MMMM YYYY HH:mm" },
    calendar: { sameDay: "[Aujourd’hui à] LT", nextDay: "[Demain à] LT", nextWeek: "dddd [à] LT", lastDay: "[Hier à] LT",
      lastWeek: "dddd [dernier à] LT", sameElse: "L" },
    relativeTime: { future: "dans %s", past: "il y a %s", s: "quelques secondes", ss: "%d secondes", m: "une minute", mm: "%d minutes",
      h: "une heure", hh: "%d heures", d: "un jour", dd: "%d jours", w: "une semaine", ww: "%d semaines", M: "un mois", MM: "%d mois",
      y: "un an", yy: "%d ans" },
    dayOfMonthOrdinalParse: /\d{1,2}(er|)/,
    ordinal: (number, period) => {
      if (period === "w" || period === "W") return number + (number === 1 ? "re" : "e");
      if (period === "D") return number + (number === 1 ? "er" : "");
      return number + (number === 1 ? "er" : "e");
    },
    week,
  }));

  const hours = function (start) {
    return function () { return start + (this.hours() === 1 ? "" : "s") + "] LT"; };
  };
  offer("es", () => ({
    months: "enero_febrero_marzo_abril_mayo_junio_julio_agosto_septiembre_octubre_noviembre_diciembre",
    monthsShort: { standalone: "ene_feb_mar_abr_may_jun_jul_ago_sep_oct_nov_dic", format: "ene._feb._mar._abr._may._jun._jul._ago._sep._oct._nov._dic.",
      isFormat: { test: (format) => !/-MMM-/.test(format) } },
    ...exact,
    weekdays: "domingo_lunes_martes_miércoles_jueves_viernes_sábado",
    weekdaysShort: "dom._lun._mar._mié._jue._vie._sáb.",
    weekdaysMin: "do_lu_ma_mi_ju_vi_sá",
    longDateFormat: { LT: "H:mm", LTS: "H:mm:ss", L: "DD/MM/YYYY", LL: "D [de] MMMM [de] YYYY", LLL: "D [de] MMMM [de] YYYY H:mm",
      LLLL: "dddd, D [de] MMMM [de] YYYY H:mm" },
    calendar: { sameDay: hours("[hoy a la"), nextDay: hours("[mañana a la"), nextWeek: hours("dddd [a la"), lastDay: hours("[ayer a la"),
      lastWeek: hours("[el] dddd [pasado a la"), sameElse: "L" },
    relativeTime: { future: "en %s", past: "hace %s", s: "unos segundos", ss: "%d segundos", m: "un minuto", mm: "%d minutos",
      h: "una hora", hh: "%d horas", d: "un día", dd: "%d días", w: "una semana", ww: "%d semanas", M: "un mes", MM: "%d meses",
      y: "un año", yy: "%d años" },
    dayOfMonthOrdinalParse: /\d{1,2}º/,
    ordinal: "%dº",
    week,
    invalidDate: "Fecha inválida",
  }));

  offer("nl", () => ({
    months: "januari_februari_maart_april_mei_juni_juli_augustus_september_oktober_november_december",
    monthsShort: { standalone: "jan_feb_mrt_apr_mei_jun_jul_aug_sep_okt_nov_dec", format: "jan._feb._mrt._apr._mei_jun._jul._aug._sep._okt._nov._dec.",
      isFormat: { test: (format) => !/-MMM-/.test(format) } },
    ...exact,
    weekdays: "zondag_maandag_dinsdag_woensdag_donderdag_vrijdag_zaterdag",
    weekdaysShort: "zo._ma._di._wo._do._vr._za.",
    weekdaysMin: "zo_ma_di_wo_do_vr_za",
    longDateFormat: { ...times, L: "DD-MM-YYYY", LL: "D MMMM YYYY", LLL: "D MMMM YYYY HH:mm", LLLL: "dddd D MMMM YYYY HH:mm" },
    calendar: { sameDay: "[vandaag om] LT", nextDay: "[morgen om] LT", nextWeek: "dddd [om] LT", lastDay: "[gisteren om] LT",
      lastWeek: "[afgelopen] dddd [om] LT", sameElse: "L" },
    relativeTime: { future: "over %s", past: "%s geleden", s: "een paar seconden", ss: "%d seconden", m: "één minuut", mm: "%d minuten",
      h: "één uur", hh: "%d uur", d: "één dag", dd: "%d dagen", w: "één week", ww: "%d weken", M: "één maand", MM: "%d maanden",
      y: "één jaar", yy: "%d jaar" },
    dayOfMonthOrdinalParse: /\d{1,2}(ste|de)/,
    ordinal: (number) => number + (number === 1 || number === 8 || number >= 20 ? "ste" : "de"),
    week,
  }));

  const portuguese = () => ({
    months: "janeiro_fevereiro_março_abril_maio_junho_julho_agosto_setembro_outubro_novembro_dezembro",
    monthsShort: "jan_fev_mar_abr_mai_jun_jul_ago_set_out_nov_dez",
    weekdaysMin: "Do_2ª_3ª_4ª_5ª_6ª_Sá",
    weekdaysParseExact: true,
    calendar: { sameDay: "[Hoje às] LT", nextDay: "[Amanhã às] LT", nextWeek: "dddd [às] LT", lastDay: "[Ontem às] LT",
      lastWeek: function () { return (this.day() === 0 || this.day() === 6 ? "[Último] " : "[Última] ") + "dddd [às] LT"; },
      sameElse: "L" },
    dayOfMonthOrdinalParse: /\d{1,2}º/,
    ordinal: "%dº",
  });
  const since = { s: "segundos", ss: "%d segundos", m: "um minuto", mm: "%d minutos", h: "uma hora", hh: "%d horas", d: "um dia",
    dd: "%d dias", w: "uma semana", ww: "%d semanas", M: "um mês", MM: "%d meses", y: "um ano", yy: "%d anos" };
  offer("pt", () => ({
    ...portuguese(),
    weekdays: "Domingo_Segunda-feira_Terça-feira_Quarta-feira_Quinta-feira_Sexta-feira_Sábado",
    weekdaysShort: "Dom_Seg_Ter_Qua_Qui_Sex_Sáb",
    longDateFormat: { ...times, L: "DD/MM/YYYY", LL: "D [de] MMMM [de] YYYY", LLL: "D [de] MMMM [de] YYYY HH:mm",
      LLLL: "dddd, D [de] MMMM [de] YYYY HH:mm" },
    relativeTime: { future: "em %s", past: "há %s", ...since },
    week,
  }));
  offer("pt-br", () => ({
    ...portuguese(),
    weekdays: "domingo_segunda-feira_terça-feira_quarta-feira_quinta-feira_sexta-feira_sábado",
    weekdaysShort: "dom_seg_ter_qua_qui_sex_sáb",
    weekdaysMin: "do_2ª_3ª_4ª_5ª_6ª_sá",
    longDateFormat: { ...times, L: "DD/MM/YYYY", LL: "D [de] MMMM [de] YYYY", LLL: "D [de] MMMM [de] YYYY [às] HH:mm",
      LLLL: "dddd, D [de] MMMM [de] YYYY [às] HH:mm" },
    relativeTime: { future: "em %s", past: "há %s", ...since, s: "poucos segundos" },
    invalidDate: "Data inválida",
  }));
  offer("en-gb", () => ({
    longDateFormat: { ...times, L: "DD/MM/YYYY", LL: "D MMMM YYYY", LLL: "D MMMM YYYY HH:mm", LLLL: "dddd, D MMMM YYYY HH:mm" },
    dayOfMonthOrdinalParse: /\d{1,2}(st|nd|rd|th)/,
    ordinal: kit.localeOf("en").ordinal,
    week,
  }));
})
